"""A backbone of the Hub: a name, so that sweeps need no path, and its sizes, so that plans need no weights."""

from __future__ import annotations

from panda_ray.backbones import BackboneSpec, Sizes

BERT_MINI = BackboneSpec("bert-mini", "google/bert_uncased_L-4_H-256_A-4", None, 11.2, Sizes(4, 256, 1024))
