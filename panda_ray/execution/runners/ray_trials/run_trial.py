"""The worker's side of a trial: it runs one stack, and its reports are all that the driver hears."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from ray import tune

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_decisions import Decisions
from panda_ray.execution.runners.ray_group.losses import WorkersLostError
from panda_ray.execution.runners.ray_group.one_group import Group, LostGroup
from panda_ray.execution.runners.ray_leaving.lost_workers import too_many_deaths
from panda_ray.execution.runners.ray_leaving.reasons import Halting, PreemptedError
from panda_ray.execution.runners.ray_leaving.signs_of_life import SignsOfLife
from panda_ray.execution.runners.ray_leaving.workers import this_worker
from panda_ray.execution.runners.ray_train import train_on_workers
from panda_ray.execution.store.files.files import StoreFullError
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.publishing import fail_all
from panda_ray.execution.work.run_stack import run_stack, settle
from panda_ray.execution.work.workspace import Settings, Workspace
from panda_ray.sweep import ResourceSection
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.halting import HaltedError, end_if_asked


def run_trial(
    config: dict[str, Any], store_url: str, driver: str, settings: Settings, resources: ResourceSection
) -> None:
    """One trial, in a worker: the last report holds the outcomes, or what ends the run.

    Raises:
        PreemptedError: to be started again on another node.
    """
    stack, store = config["stack"], Store(store_url, driver)
    settings = settings.on(resources.on(stack.accelerator))
    decisions = Decisions(driver, stack.id) if config["waits"] else None

    def on_epoch(report: EpochReport) -> Collection[str]:
        tune.report({"report": report})
        return decisions.wait(report.epoch) if decisions is not None else ()

    def on_lost(loss: LostGroup) -> None:
        tune.report({"lost": loss})

    with SignsOfLife(driver, stack.id), Halting(driver, stack.id) as halting:
        try:
            end_if_asked(halting.wanted)
            if stack.workers > 1:
                group = Group(stack.id, store, settings, resources, decisions, on_lost, halting)
                outcomes = settle(
                    stack, store, lambda part, limit: train_on_workers(part, limit, group), settings.placement
                )
            else:
                outcomes = run_stack(stack, store, _workspace(settings), on_epoch, halting.wanted)
        except StoreFullError as error:
            tune.report({"full": str(error)})
        except HaltedError:
            if halting.reason == "preempted":
                raise PreemptedError(this_worker()) from None
            tune.report({"halted": True})
        except WorkersLostError:
            tune.report({"outcomes": given_up(stack, store, traceback.format_exc(), "")})
        except Exception:  # Tune would start the trial again, which helps against dead workers, not against bugs
            tune.report({"bug": traceback.format_exc()})
        else:
            tune.report({"outcomes": outcomes})


def given_up(stack: Stack, store: Store, trace: str, host: str) -> list[Outcome]:
    """How the units of a stack end that lost worker after worker; some may have been published before."""
    done = store.done_among(unit.key for unit in stack.todo)
    lost = [unit for unit in stack.todo if unit.key not in done]
    return [*(Outcome(key, "done") for key in done), *fail_all(store, lost, too_many_deaths(), trace, host)]


@lru_cache(maxsize=1)
def _workspace(settings: Settings) -> Workspace:
    """Kept between the trials of a worker."""
    return Workspace(settings)
