"""Which units of a plan have no result because they failed, or because one that they need did, and why."""

from __future__ import annotations

from collections.abc import Collection

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import sources_text
from panda_ray.tracking.reading.study import Failure


class Failures:
    """Those that earlier runs left in the store, then those of this run.

    Attributes:
        are_new: whether they are others than when this was last set to False; so they are at the start, which lets
            MLflow forget those of units that are done.
    """

    def __init__(self, plan: Plan, store: Store, done: Collection[str]) -> None:
        self.are_new = True
        self._ended = _earlier(plan, store, done)

    def add(self, outcome: Outcome) -> None:
        self.are_new |= outcome.key not in self._ended
        self._ended[outcome.key] = outcome

    def forget(self, key: str) -> None:
        """This unit has a result."""
        self.are_new |= self._ended.pop(key, None) is not None

    def of(self, plan: Plan) -> list[Failure]:
        """As a report shows them."""
        return [_failure(plan, outcome) for outcome in self._ended.values()]


def _earlier(plan: Plan, store: Store, done: Collection[str]) -> dict[str, Outcome]:
    """Of units that have no result yet, and what waits for them."""
    open_keys = plan.units.keys() - done
    found = {key: Outcome(key, "failed", failure.error) for key, failure in store.failures.among(open_keys).items()}
    for key in plan.units:
        failed = next((needed for needed in plan.depends_on[key] if needed in found), None)
        if key in open_keys and key not in found and failed is not None:
            first = failed if found[failed].status == "failed" else str(found[failed].error)
            found[key] = Outcome(key, "blocked", first)
    return {
        key: outcome
        if outcome.status == "failed"
        else Outcome(key, "blocked", f"needs {plan.units[str(outcome.error)].title}, which failed")
        for key, outcome in found.items()
    }


def _failure(plan: Plan, outcome: Outcome) -> Failure:
    unit = plan.units[outcome.key]
    return Failure(
        backbone=unit.backbone.name,
        method=plan.label_of[outcome.key],
        sources=sources_text(unit.sources),
        target=unit.task,
        seed=unit.seed,
        status=outcome.status,
        error=outcome.error or "",
    )
