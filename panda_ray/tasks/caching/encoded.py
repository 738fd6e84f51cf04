"""Encoded tasks on disk: a tokenizer sees the same rows once per machine, not in every worker of every run."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from panda_ray.tasks.caching.disk import DiskCache, address
from panda_ray.tasks.caching.packed import pack, unpack
from panda_ray.tasks.caching.stamp import code_stamp, is_ours
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.rows.loading import TaskRows
from panda_ray.tasks.task import TaskSpec

_CACHE = DiskCache("encoded", limit_bytes=2 << 30)


def encoded_task(
    spec: TaskSpec, fingerprint: str, load: Callable[[], TaskRows], tokenizer: Any, tokenizer_id: str, max_len: int
) -> EncodedTask:
    """The rows with this fingerprint, encoded; they are loaded only if they were not encoded before.

    Args:
        load: reads the rows.
        tokenizer: a transformers fast tokenizer.
        tokenizer_id: names the tokenizer's content.
        max_len: tokens per row at the most, special tokens included.
    """
    if not is_ours(spec):
        return EncodedTask.of_rows(spec, load(), tokenizer, max_len)
    versions = [version(package) for package in ("tokenizers", "transformers")]
    name = address([spec.name, fingerprint, spec.template_version, code_stamp(), tokenizer_id, versions, max_len])
    packed = _CACHE.read_or_make(name, lambda: pack(EncodedTask.of_rows(spec, load(), tokenizer, max_len)))
    return unpack(spec, packed)
