"""What runs the stacks of a sweep: Ray, or this process."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from panda_ray.usecases.engine import check_engine

if TYPE_CHECKING:
    from panda_ray.execution.runners.run_plan import Runner


class RunnerName(StrEnum):
    """What runs the stacks."""

    RAY = "ray"
    INLINE = "inline"


def make_runner(name: RunnerName, address: str | None = None) -> Runner:
    """The runner of that name.

    Args:
        address: of a Ray cluster; a local Ray is started unless given.

    Raises:
        InputError: there is no cluster at that address, or what the runner needs is not installed.
    """
    check_engine("a run")
    if name is RunnerName.INLINE:
        from panda_ray.execution.runners.inline import InlineRunner

        return InlineRunner()
    from panda_ray.execution.runners.ray_address import check_socket

    if address is not None:
        check_socket(address)
    check_engine("a run on Ray", "ray")
    from panda_ray.execution.runners.ray_tune import RayTuneRunner

    return RayTuneRunner(address)
