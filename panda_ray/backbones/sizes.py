"""The sizes of a backbone that its operations and its memory depend on, known without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from panda_ray.errors import InputError

_DEFAULTS = {"pad_token_id": 1}
"""What RoBERTa's configurations may leave out."""


@dataclass(frozen=True)
class Sizes:
    """Layers, hidden size D and feed-forward size F of an encoder whose attention has D / H heads of size H."""

    layers: int
    hidden: int
    feed_forward: int
    positions: int = 512
    """Positions that tokens may take; so many in every published BERT and RoBERTa."""


def check_positions(backbone: str, positions: int, prompt_len: int, max_len: int, position_offset: bool) -> None:
    """Whether a backbone has room for prompt and text.

    Virtual tokens take positions only where they shift those of the text; more of them than there are positions are
    refused all the same.

    Args:
        backbone: its name.
        positions: how many it has.

    Raises:
        InputError: it has too few.
    """
    taken = prompt_len + max_len if position_offset else max(prompt_len, max_len)
    if taken > positions:
        need = "need" if position_offset else "and position_offset false need"
        raise InputError(
            f"training: prompt_len {prompt_len} and max_len {max_len} {need} {taken} positions, but backbone "
            f"{backbone!r} has {positions}; lower one of them"
        )


def sizes_of_folder(folder: Path) -> Sizes:
    """The sizes in a model folder's config.json.

    Raises:
        InputError: for a configuration that does not say them.
    """
    # Imports torch.
    from panda_ray.backbones.families import family_of

    config = json.loads((folder / "config.json").read_text())
    try:
        family = family_of(config["model_type"])
        return Sizes(
            config["num_hidden_layers"],
            config["hidden_size"],
            config["intermediate_size"],
            config["max_position_embeddings"] - family.first_position(SimpleNamespace(**_DEFAULTS | config)),
        )
    except KeyError as missing:
        raise InputError(
            f"{folder / 'config.json'} has no {missing}, which the sizes of a backbone are read from"
        ) from None
