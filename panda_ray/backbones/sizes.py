"""The sizes of a backbone that its operations and its memory depend on, known without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError


@dataclass(frozen=True)
class Sizes:
    """Layers, hidden size D and feed-forward size F of an encoder whose attention has D / H heads of size H."""

    layers: int
    hidden: int
    feed_forward: int


def sizes_of_folder(folder: Path) -> Sizes:
    """The sizes in a model folder's config.json.

    Raises:
        InputError: for a configuration that does not say them.
    """
    config = json.loads((folder / "config.json").read_text())
    try:
        return Sizes(config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"])
    except KeyError as missing:
        raise InputError(
            f"{folder / 'config.json'} has no {missing}, which the sizes of a backbone are read from"
        ) from None
