"""What several commands say to people in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from panda_ray.secrets import public

if TYPE_CHECKING:
    from panda_ray.execution.costs.ahead import Ahead
    from panda_ray.execution.costs.memory.memory_ahead import StageMemory
    from panda_ray.execution.costs.speeds import Basis
    from panda_ray.execution.planning.changes import Change
    from panda_ray.execution.planning.unjudged import Unjudged
    from panda_ray.usecases.plan import Outlook
    from panda_ray.usecases.run import Start

_KNOWN_FROM: Mapping[Basis, str] = {
    "measured": "measured",
    "extrapolated": "extrapolated by operation count",
    "assumed": "assumed, because nothing was measured there",
}


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


_FEWEST_HOURS = 0.001
"""Less is said in no digits."""


def hours(value: float) -> str:
    """Device-hours, with two significant digits below ten."""
    if 0 < value < _FEWEST_HOURS:
        return f"< {_FEWEST_HOURS}"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def describe_ahead(ahead: Ahead, stacks: int) -> list[str]:
    """Time, hours and price of everything that is left, and what they are known from, in two lines."""
    amount = f"{hours(ahead.hours(ahead.seconds))} {ahead.processor}-hours on {ahead.device}{_cost(ahead)}"
    return [
        f"{stacks} stacks to run, about {duration(ahead.seconds)} one after the other: {amount}",
        f"of that time {_shares(ahead)}",
    ]


def describe_kinds(by_kind: Sequence[tuple[str, Ahead]]) -> list[str]:
    """One line for each kind of worker but the first, as if all stacks ran there."""
    return [
        f"all of it on {kind}: about {duration(ahead.seconds)}, {hours(ahead.hours(ahead.seconds))} "
        f"{ahead.processor}-hours{_cost(ahead)} ({_shares(ahead)})"
        for kind, ahead in by_kind[1:]
    ]


def _cost(ahead: Ahead) -> str:
    return "" if ahead.price is None else f", {ahead.price:,.2f} {ahead.currency}"


def _shares(ahead: Ahead) -> str:
    """What the seconds are known from."""
    return ", ".join(
        f"{100 * ahead.by_basis[basis] / ahead.seconds:.0f} % {known}"
        for basis, known in _KNOWN_FROM.items()
        if ahead.by_basis.get(basis)
    )


def ahead_as_json(ahead: Ahead) -> dict[str, Any]:
    """The same, rounded; `shares` says how much of the seconds each basis gives."""
    total = ahead.seconds
    return {
        "device": str(ahead.device),
        "hours_of": ahead.processor,
        "seconds": round(total, 1),
        "hours": round(ahead.hours(total), 4),
        "price": None if ahead.price is None else round(ahead.price, 2),
        "currency": ahead.currency,
        "shares": {basis: round(seconds / total, 4) for basis, seconds in ahead.by_basis.items()} if total else {},
    }


def describe_memory(memory: Sequence[StageMemory]) -> list[str]:
    """What the largest stack of each backbone and stage takes, of what, and how many members would fit.

    One line for stages that take the same, and backbones one after the other.
    """
    stages: dict[tuple[str, str], list[str]] = {}
    for each in memory:
        said = f"-> {each.task} x{each.members} about {each.memory}{_fitting(each)}"
        stages.setdefault((each.backbone, said), []).append(each.stage)
    backbones = list(dict.fromkeys(each.backbone for each in memory))
    lines = sorted(stages.items(), key=lambda line: backbones.index(line[0][0]))
    return [f"memory: {backbone} {', '.join(names)} {said}" for (backbone, said), names in lines]


def _fitting(each: StageMemory) -> str:
    if each.fitting is None:
        return ""
    into = f" into {each.gpus} GPUs" if each.gpus > 1 else ""
    return f"; x{each.fitting} fits{into}" + (f", instead of x{each.wanted}" if each.fitting < each.wanted else "")


def memory_as_json(memory: Sequence[StageMemory]) -> list[dict[str, Any]]:
    """The same in bytes; `fitting` is null where resources.gpu_memory_gib is not given and no GPU is here."""
    return [
        {
            "backbone": each.backbone,
            "stage": each.stage,
            "task": each.task,
            "members": each.members,
            "bytes": round(each.memory.total),
            "parts": {name: round(size) for name, size in each.memory.parts.items()},
            "fitting": each.fitting,
        }
        for each in memory
    ]


def describe_taken(outlook: Outlook) -> str:
    """What is said of prompts that a run will copy and not train."""
    origin = public(outlook.plan.sweep.prompts or "")
    return f"{len(outlook.taken)} trained prompts are taken from {origin}; they count as done"


def describe_outdated(units: int) -> str:
    """What is said of results whose inputs were repaired and came out different; they are computed anew."""
    return f"{units} {'result was' if units == 1 else 'results were'} computed from inputs that have changed since"


def describe_unjudged(unjudged: Unjudged) -> str:
    """What is said of metrics that are not defined for every pair."""
    several = len(unjudged.metrics) > 1
    names, are, judge = " and ".join(unjudged.metrics), *(("are", "they judge") if several else ("is", "it judges"))
    none = f"; of {', '.join(unjudged.targets)} {judge} no source" if unjudged.targets else ""
    return f"{names} {are} 0 for {unjudged.pairs} of {unjudged.of} pairs: {judge} {unjudged.judged}{none}"


def describe_start(start: Start) -> list[str]:
    """What is odd about a run that begins: trouble with MLflow, tasks without rows, results that do not count."""
    outdated = len(start.plan.outdated)
    return [
        *([] if start.trouble is None else [start.trouble]),
        *(f"left out: {reason}" for _, reason in start.plan.skipped),
        *([f"computed anew: {describe_outdated(outdated)}"] if outdated else []),
    ]


def describe_change(change: Change, units: int) -> str:
    """A setting that makes units anew."""
    before, after = _short(change.stored), _short(change.wanted)
    what = "results that they build on changed" if change.is_derived else f"{change.setting}: {before} -> {after}"
    return f"{what} ({units} {'unit' if units == 1 else 'units'})"


def _short(value: Any) -> str:
    """Hashes by their first digits."""
    text = str(value)
    return f"{text[:14]}..." if len(text) > 40 else text
