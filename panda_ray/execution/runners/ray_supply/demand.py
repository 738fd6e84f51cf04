"""Slots that ready stacks could use, shown to an autoscaler while nothing of theirs waits in Ray.

A long stack gets its shape when a slot is free for it, so until then no trial waits for it. What waits instead are
placement groups of the size of a slot. Ray drops them with the driver, however that ends; what is asked for by
`ray.autoscaler.sdk.request_resources` would keep nodes up, and cost money, for a driver that is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.tune import Callback
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table, remove_placement_group

from panda_ray.execution.runners.ray_supply.slot import Slot
from panda_ray.execution.runners.ray_supply.slots import free_slots

_MOST = 100
"""Slots that are asked for at a time; the cluster has its own largest number of nodes."""

_LOOK_SECONDS = 1.0


class Demand(Callback):
    """What a driver wants besides what its trials wait for.

    Args:
        wanted: how many slots.
    """

    def __init__(self, wanted: Callable[[], int], slot: Slot) -> None:
        self._wanted = wanted
        self._slot = slot
        self._groups: list[PlacementGroup] = []
        self._next_look = 0.0

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.show()

    def show(self) -> None:
        """Let as many slots wait as are wanted now; looks once a second at the most.

        None waits while there is room, whose it may be: a group of workers needs several slots at the same time.
        """
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._show(0 if self._is_room() else min(self._wanted(), _MOST))

    def withdraw(self) -> None:
        """Want nothing any more: the connection to the cluster may outlast the run."""
        self._show(0)

    def _show(self, wanted: int) -> None:
        while len(self._groups) > wanted:
            remove_placement_group(self._groups.pop())
        while len(self._groups) < wanted:
            self._groups.append(placement_group([self._slot.bundle], bundle_label_selector=self._slot.selectors))

    def _is_room(self) -> bool:
        """A slot is free, or would be but for what is shown here."""
        shown = (placement_group_table(group)["state"] for group in self._groups)
        return "CREATED" in shown or free_slots(self._slot) > 0
