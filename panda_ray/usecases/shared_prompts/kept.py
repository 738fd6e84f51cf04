"""What prompts a store has, and what becomes of them: shown, pushed, pulled and removed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.execution.store.copying import copy_results
from panda_ray.execution.store.lineage import inputs_of
from panda_ray.execution.store.store import Record, Store
from panda_ray.sweep import Sweep
from panda_ray.tasks import TASKS
from panda_ray.tasks.licences import licence_of
from panda_ray.usecases.searching.searches import known_plan
from panda_ray.usecases.shared_prompts.prompt_places import read_place, written_place


@dataclass(frozen=True)
class KeptPrompt:
    """One training that started from nothing, as a store has it.

    Attributes:
        data: fingerprint of the rows that it was trained on.
        licence: of those rows, in words.
        size: of its files, in bytes.
        imported: sha256 of a prompt that was not trained here, by which a sweep names it.
    """

    key: str
    task: str
    backbone: str
    method: str
    score: float
    measure: str
    seed: int
    prompt_len: int
    data: str
    licence: str
    size: int
    finished_at: str
    imported: str | None


def prompts_in(url: str) -> list[KeptPrompt]:
    """Every prompt of a store that others may take, by task, backbone and seed.

    Raises:
        InputError: the store cannot be read.
    """
    store = Store(read_place(url))
    records = dict(store.records(store.done_keys()))
    found = [kept_prompt(key, record) for key, record in records.items() if _is_shared(record)]
    return sorted(found, key=lambda each: (each.task, each.backbone, each.method, each.seed, each.key))


def prompt_in(url: str, prefix: str) -> tuple[KeptPrompt, Record]:
    """One of them, with all that its record says.

    Args:
        prefix: how its key begins.

    Raises:
        InputError: none begins so, or several do.
    """
    (found,) = _named(url, [prefix])
    return found, Store(read_place(url)).known(found.key)


def push_prompts(sweep: Sweep, url: str, tasks: Collection[str] = ()) -> list[KeptPrompt]:
    """Copy the finished source prompts of a sweep to a store; those that are there stay as they are.

    Args:
        tasks: only their prompts; those of every source unless given.

    Returns:
        What was copied.

    Raises:
        InputError: for a task that is no source, a sweep without a finished source prompt, or a full storage.
    """
    for task in tasks:
        if task not in sweep.source_tasks:
            raise unknown_name("source", task, sweep.source_tasks, f"sweep {sweep.name!r}")
    store, shared = Store(sweep.storage), Store(written_place(url))
    plan, _ = known_plan(sweep, store)
    wanted = {
        key
        for key, unit in plan.units.items()
        if key in plan.done
        and unit.product == "prompt"
        and not plan.depends_on[key]
        and unit.task in (tasks or sweep.source_tasks)
    }
    if not wanted:
        raise InputError(f"{store.url} has no finished source prompt of sweep {sweep.name!r} yet; run it first")
    return _copy(sorted(wanted - shared.done_keys(wanted)), store, shared)


def pull_prompts(url: str, storage: str, prefixes: Sequence[str] = ()) -> list[KeptPrompt]:
    """Copy prompts of a store to another one.

    Args:
        prefixes: how their keys begin; all prompts unless given.

    Returns:
        What was copied.

    Raises:
        InputError: for a prefix of no prompt or of several, a damaged prompt, or a full storage.
    """
    wanted = {each.key for each in (_named(url, prefixes) if prefixes else prompts_in(url))}
    store = Store(written_place(storage))
    return _copy(sorted(wanted - store.done_keys(wanted)), Store(read_place(url)), store)


def remove_prompt(url: str, found: KeptPrompt) -> None:
    """Remove a prompt that was found in a store.

    Raises:
        InputError: results of that store were computed from it, or it takes no changes.
    """
    store = Store(written_place(url))
    built = sum(any(each.key == found.key for each in inputs_of(record)) for _, record in store.records())
    if built:
        raise InputError(
            f"{url}: {built} results were computed from the prompt of {found.task} ({found.key[:12]}), so it stays; "
            "prompts are removed from stores that hold nothing else"
        )
    store.remove(found.key)


def _copy(keys: Sequence[str], origin: Store, store: Store) -> list[KeptPrompt]:
    copy_results(keys, origin, store)
    records = store.records_of(keys)
    return [kept_prompt(key, records[key]) for key in keys]


def _named(url: str, prefixes: Sequence[str]) -> Iterator[KeptPrompt]:
    every = prompts_in(url)
    for prefix in prefixes:
        found = [each for each in every if each.key.startswith(prefix)]
        if len(found) != 1:
            problem = "no prompt" if not found else f"{len(found)} prompts"
            raise InputError(
                f"{url}: {problem} with a key that begins with {prefix!r}; panda-ray prompts ls {url} lists them"
            )
        yield found[0]


def _is_shared(record: Record) -> bool:
    return record["product"] == "prompt" and not record["sources"] and not record.get("inputs")


def kept_prompt(key: str, record: Record) -> KeptPrompt:
    """What people see of a record."""
    identity: dict[str, Any] = record["identity"]
    data = identity.get("data")
    return KeptPrompt(
        key=key,
        task=record["target"],
        backbone=record["backbone"],
        method=record["method"],
        score=record["score"],
        measure=record["measure"],
        seed=record["seed"],
        prompt_len=int(identity["config"].get("prompt_len") or 0),
        data=str(data.get("fingerprint", "")) if isinstance(data, dict) else "",
        licence=licence_of(TASKS.get(record["target"])) if record["target"] in TASKS else "that of somebody's own data",
        size=sum(file["bytes"] for file in record["files"].values()),
        finished_at=record["finished_at"],
        imported=(identity.get("options") or {}).get("imported"),
    )
