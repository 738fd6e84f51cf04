"""What runs the stacks of a sweep: Ray, or this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from panda_ray.usecases.engine import check_engine, check_installed

if TYPE_CHECKING:
    from panda_ray.execution.runners.run_plan import Runner
    from panda_ray.execution.scheduling.dispatcher import Dispatch
    from panda_ray.execution.store.store import Store
    from panda_ray.execution.work.workspace import Settings


class RunnerName(StrEnum):
    """What runs the stacks."""

    RAY = "ray"
    INLINE = "inline"


def make_runner(name: RunnerName, address: str | None = None) -> Runner:
    """The runner of that name; what it needs is imported once there is something to run.

    Args:
        address: of a Ray cluster; a local Ray is started unless given.

    Raises:
        InputError: there is no cluster at that address, or what the runner needs is not installed.
    """
    check_installed("a run", "torch")
    if name is RunnerName.INLINE:
        return _WhenNeeded(_inline)
    if address is not None:
        from panda_ray.execution.runners.ray_address import check_socket

        check_socket(address)
    check_installed("a run on Ray", "ray")
    return _WhenNeeded(lambda: _on_ray(address))


@dataclass(frozen=True)
class _WhenNeeded:
    """A runner that is made when it is first asked: a finished sweep is shown without PyTorch and Ray."""

    make: Callable[[], Runner]

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        self.make().run(dispatch, store, settings)


def _inline() -> Runner:
    check_engine("a run")
    from panda_ray.execution.runners.inline import InlineRunner

    return InlineRunner()


def _on_ray(address: str | None) -> Runner:
    check_engine("a run")
    check_engine("a run on Ray", "ray")
    from panda_ray.execution.runners.ray_tune import RayTuneRunner

    return RayTuneRunner(address)
