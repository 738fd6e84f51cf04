"""The architectures whose models can be backbones, and what a model folder says of itself without being loaded."""

from __future__ import annotations

import json
from pathlib import Path

from panda_ray.backbones.encoder import Architecture
from panda_ray.backbones.encoders.bert import BERT, ROBERTA
from panda_ray.backbones.encoders.deberta_v2 import DEBERTA_V2
from panda_ray.backbones.encoders.llama import LLAMA
from panda_ray.backbones.encoders.opt import OPT
from panda_ray.backbones.encoders.qwen import QWEN2, QWEN3
from panda_ray.backbones.sizes import Sizes
from panda_ray.errors import InputError
from panda_ray.registry import Registry

ARCHITECTURES: Registry[Architecture] = Registry("architecture", (BERT, ROBERTA, DEBERTA_V2, OPT, LLAMA, QWEN2, QWEN3))


def sizes_of_folder(folder: Path) -> Sizes:
    """The sizes in a model folder's config.json.

    Raises:
        InputError: for a configuration that does not say them.
    """
    config = json.loads((folder / "config.json").read_text())
    try:
        return ARCHITECTURES.get(config["model_type"], where=str(folder / "config.json")).sizes(config)
    except KeyError as missing:
        raise InputError(
            f"{folder / 'config.json'} has no {missing}, which the sizes of a backbone are read from"
        ) from None
