"""The unit of a prompt that was trained elsewhere: known by its content, never computed.

It is a prompt of prompt tuning, and its options name its sha256, which no training's options do: a sweep's own training
has another key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from panda_ray.execution.units.unit import BackboneRef, DataRef, Unit
from panda_ray.training.config import TrainConfig

METHOD, VERSION = "prompt_tuning", 1
_OPTION = "imported"


def imported_unit(backbone: BackboneRef, task: str, sha256: str, prompt_len: int, max_len: int) -> Unit:
    """The unit of one imported prompt.

    Args:
        task: that it is a prompt of; nobody knows which of its rows it was trained on.
        sha256: of its content.
        max_len: tokens per row at the most, where it is evaluated and used.
    """
    config = TrainConfig(lr=0.0, batch_size=1, epochs=0, prompt_len=prompt_len, max_len=max_len)
    data = DataRef(task, fingerprint="unknown", template_version=0)
    return Unit("prompt", METHOD, VERSION, backbone, data, seed=0, config=config, options={_OPTION: sha256})


def imported_among(units: Iterable[Unit]) -> list[Unit]:
    """Those of imported prompts."""
    return [unit for unit in units if is_imported(unit.options)]


def is_imported(options: Mapping[str, Any]) -> bool:
    """Whether these are the options of an imported prompt."""
    return _OPTION in options


def content_of(unit: Unit) -> str:
    """The sha256 of an imported prompt."""
    return str(unit.options[_OPTION])
