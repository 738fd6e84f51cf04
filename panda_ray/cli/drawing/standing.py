"""How a sweep stands, drawn and as JSON data: the same whether the store said it or MLflow."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from panda_ray.cli.drawing.grid import legend, render_grid
from panda_ray.cli.wording.choice_words import describe_unchosen
from panda_ray.cli.wording.search_words import describe_chosen, describe_trials, standings_as_json
from panda_ray.cli.wording.words import describe_outdated, duration

if TYPE_CHECKING:
    from panda_ray.tracking.reading.read_progress import TrackedProgress
    from panda_ray.usecases.status import Status

_STACKS_SHOWN = 20


def draw(found: Status) -> RenderableType:
    """For people."""
    said = ", ".join(f"{count} {state}" for state, count in found.counts.items() if count)
    parts: list[RenderableType] = [
        Text.assemble((found.sweep, "bold"), f" in {found.where}: {len(found.cells)} cells, {said}")
    ]
    if found.studies:
        parts += map(Text, [describe_trials(found.studies), *describe_chosen(found.studies)])
    if found.unchosen:
        parts.append(Text(describe_unchosen(found.unchosen)))
    if found.tracked is not None:
        parts += _driver(found.tracked)
    for backbone in found.backbones:
        parts += [Text(f"\n{backbone}", "bold"), render_grid(found.cells, found.sources, found.targets, backbone)]
    parts.append(legend())
    for failed in found.failures:
        where = f" (on {failed.host})" if failed.host else ""
        parts.append(Text(f"failed: {failed.unit}: {failed.error}{where}", "red"))
    if found.outdated:
        parts.append(Text(f"computed anew: {describe_outdated(found.outdated)}", "yellow"))
    parts += [Text(f"left out: {reason}", "yellow") for _, reason in found.skipped]
    return Group(*parts)


def _driver(tracked: TrackedProgress) -> list[RenderableType]:
    """What the driver said last, and when."""
    snapshot, heard = tracked.snapshot, tracked.heard
    if snapshot is None or heard is None:
        return [Text(f"{tracked.state}; its driver has not said anything yet", "yellow")]
    said = [tracked.state]
    if tracked.state == "running":
        said.append(f"last heard of {duration(heard)} ago")
        said += [f"about {duration(snapshot.eta)} to go"] if snapshot.eta is not None else []
    else:
        said.append(f"for {duration(heard)}")
    if snapshot.lost_workers:
        said.append(f"workers lost: {snapshot.lost_workers}")
    lines: list[RenderableType] = [Text(", ".join(said))]
    if tracked.is_stale:
        lines.append(
            Text("its driver is gone, or cannot reach MLflow; the same run or submit command goes on", "yellow")
        )
    lines += [Text(warning, "yellow") for warning in snapshot.warnings]
    for stack in snapshot.stacks[:_STACKS_SHOWN]:
        epoch = f"epoch {stack.epoch} of {stack.epochs}, " if stack.epochs else ""
        where = f" on {', '.join(stack.hosts)}" if stack.hosts else ""
        lines.append(Text(f"  {stack.title}{where}: {epoch}{duration(stack.seconds)}", "dim"))
    if len(snapshot.stacks) > _STACKS_SHOWN:
        lines.append(Text(f"  and {len(snapshot.stacks) - _STACKS_SHOWN} other stacks", "dim"))
    return lines


def standing_as_json(found: Status) -> dict[str, Any]:
    """The same as JSON data; `driver` is null where the store was asked."""
    return {
        "sweep": found.sweep,
        "where": found.where,
        "complete": found.complete,
        "cells": {"total": len(found.cells), **found.counts},
        "grid": [cell._asdict() for cell in found.cells],
        "failures": [asdict(failed) for failed in found.failures],
        "search": standings_as_json(found.studies) or None,
        "unchosen": found.unchosen,
        "outdated": found.outdated,
        "skipped": [{"task": task, "reason": reason} for task, reason in found.skipped],
        "driver": None if found.tracked is None else _driver_as_json(found.tracked),
    }


def _driver_as_json(tracked: TrackedProgress) -> dict[str, Any]:
    snapshot = tracked.snapshot
    return {
        "state": tracked.state,
        "heard_seconds_ago": None if tracked.heard is None else round(tracked.heard, 1),
        "is_stale": tracked.is_stale,
        "eta_seconds": None if snapshot is None else snapshot.eta,
        "elapsed_seconds": None if snapshot is None else snapshot.elapsed,
        "lost_workers": 0 if snapshot is None else snapshot.lost_workers,
        "stacks": [] if snapshot is None else [asdict(stack) for stack in snapshot.stacks],
        "stages": {}
        if snapshot is None
        else {
            name: {stage: dict(counts) for stage, counts in part.stages.items()}
            for name, part in snapshot.backbones.items()
        },
        "warnings": [] if snapshot is None else list(snapshot.warnings),
    }
