"""Ray Train's trainer of a group, without what it starts for data sets of Ray Data: there are none here."""

from __future__ import annotations

from typing import Any

from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback


class GroupTrainer(TorchTrainer):
    """An actor less for each group, which takes seconds to import Ray Data.

    Train has no switch for it. The method is its own; tests see it when it is renamed.
    """

    def _create_default_callbacks(self) -> list[Any]:
        callbacks: list[Any] = super()._create_default_callbacks()  # type: ignore[misc]
        return [each for each in callbacks if not isinstance(each, DatasetsCallback)]
