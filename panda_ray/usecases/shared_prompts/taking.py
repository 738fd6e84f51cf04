"""A plan whose source prompts were taken from the store that the sweep names, as far as that has them."""

from __future__ import annotations

from panda_ray.errors import InputError
from panda_ray.execution.planning.lending import lent
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.store.copying import copy_results
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.imported import content_of, imported_among
from panda_ray.sweep import Sweep
from panda_ray.usecases.shared_prompts.prompt_places import read_place


def origin_of(sweep: Sweep) -> Store | None:
    """The store that a sweep takes prompts from, where it names one.

    Raises:
        InputError: this machine has no such folder.
    """
    if sweep.prompts is None:
        return None
    store = Store(read_place(sweep.prompts))
    if store.local_folder is not None and not store.local_folder.is_dir():
        raise InputError(
            f"no folder {sweep.prompts!r} for prompts on this machine; `panda-ray prompts push SWEEP URL` fills "
            "one, and a bucket is seen by every machine"
        )
    return store


def plan_with_taken(sweep: Sweep, store: Store, catalog: Catalog) -> Plan:
    """`plan_from`, after the prompts that the sweep's `prompts` has were copied to its own store.

    Raises:
        InputError: as `plan_from`; a prompt there is damaged, or one that is imported is not there; the storage is
            full.
    """
    plan = plan_from(sweep, store, catalog)
    if (origin := origin_of(sweep)) is None:
        check_imported(plan)
        return plan
    taken = lent(plan, origin)
    check_imported(plan, taken)
    copy_results(sorted(taken), origin, store)
    return plan_from(sweep, store, catalog) if taken else plan


def check_imported(plan: Plan, taken: frozenset[str] = frozenset()) -> None:
    """Whether all imported prompts of a plan are there, for nothing can train them.

    Args:
        taken: units that another store has.

    Raises:
        InputError: one is not.
    """
    for unit in imported_among(plan.units.values()):
        if unit.key not in plan.done and unit.key not in taken:
            training = plan.sweep.training
            raise InputError(
                f"tasks.{unit.task}.imported.{unit.backbone.name}: no prompt {content_of(unit)[:12]}... of length "
                f"{training.prompt_len}, evaluated with max_len {training.max_len}, is in the store that `prompts` "
                "names; `panda-ray prompts import` brings one there, with --max-len as `training.max_len`"
            )
        if not plan.sweep.training.position_offset:
            raise InputError(
                f"tasks.{unit.task}.imported: the prompt was trained with positions behind it, and this sweep has "
                "training.position_offset false"
            )
