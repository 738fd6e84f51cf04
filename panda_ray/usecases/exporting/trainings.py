"""Which training is meant: by its key, or as the best of a target."""

from __future__ import annotations

import statistics
from collections import defaultdict

from panda_ray.errors import InputError, unknown_name
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.methods import get_method
from panda_ray.sweep import Sweep
from panda_ray.usecases.searching.searches import known_plan


def training_of(sweep: Sweep, store: Store, key: str | None, best: str | None) -> tuple[str, Record]:
    """Key and record; see `export_prompt`.

    Raises:
        InputError: neither or both are said, or there is no such training.
    """
    if (key is None) == (best is None):
        raise InputError("say which training: its KEY, or --best TARGET")
    return _by_prefix(store, key) if best is None and key is not None else _best(sweep, store, str(best))


def _by_prefix(store: Store, prefix: str) -> tuple[str, Record]:
    """The one training whose key begins like that."""
    found = [
        (key, record) for key, record in store.records() if key.startswith(prefix) and record["product"] == "prompt"
    ]
    if len(found) == 1:
        return found[0]
    problem = "no training" if not found else f"{len(found)} trainings"
    raise InputError(
        f"{store.url}: {problem} with a key that begins with {prefix!r}; scores.csv has the keys of all cells"
    )


def _best(sweep: Sweep, store: Store, target: str) -> tuple[str, Record]:
    """The best seed of the method, sources and backbone with the highest mean over seeds, of what can be exported:
    they keep a prompt, and PEFT has an adapter for it."""
    if target not in sweep.targets:
        raise unknown_name("target", target, sweep.targets, f"sweep {sweep.name!r}")
    plan, _ = known_plan(sweep, store)
    cells = [cell for cell in plan.cells if cell.target == target and cell.key in plan.done]
    records = store.records_of({cell.key for cell in cells})
    seeds: dict[tuple[str, str, tuple[str, ...]], dict[str, Record]] = defaultdict(dict)
    for cell in cells:
        record = records[cell.key]
        trains = get_method(record["method"]).trains(record["identity"]["options"])
        if PROMPT_FILE in record["files"] and trains.has_adapter:
            seeds[cell.backbone, cell.method, cell.sources][cell.key] = record
    if not seeds:
        raise InputError(
            f"{store.url} has no finished training of {target!r} of sweep {sweep.name!r} that keeps a prompt yet; "
            "run one first"
        )
    first = max(seeds.values(), key=lambda each: statistics.fmean(record["score"] for record in each.values()))
    return max(first.items(), key=lambda item: item[1]["score"])
