"""A plan whose source prompts were taken from the store that the sweep names, as far as that has them."""

from __future__ import annotations

from panda_ray.errors import InputError
from panda_ray.execution.planning.lending import lent
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.store.copying import copy_results
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.sweep import Sweep
from panda_ray.usecases.shared_prompts.builtin_prompts import read_place


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
        InputError: as `plan_from`; a prompt there is damaged; the storage is full.
    """
    plan = plan_from(sweep, store, catalog)
    if (origin := origin_of(sweep)) is None:
        return plan
    taken = lent(plan, origin)
    copy_results(sorted(taken), origin, store)
    return plan_from(sweep, store, catalog) if taken else plan
