"""Searches in words: what one will ask for, how its studies stand, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from panda_ray.cli.wording.words import duration

if TYPE_CHECKING:
    from panda_ray.search.anticipated import Anticipated
    from panda_ray.search.space import Point
    from panda_ray.search.trials import StudyStanding, Trial
    from panda_ray.sweep import Sweep

_STUDIES_SHOWN = 20


def describe_search(search: Anticipated, least_seconds: float, most_seconds: float) -> list[str]:
    """What a search will ask for, and by what it chooses."""
    section = search.plan.sweep.search
    assert section is not None, "the plan of a search"
    studies = "1 study" if search.studies == 1 else f"{search.studies} studies"
    seeds = len(search.plan.sweep.seeds)
    each = "" if seeds == 1 else f" with {seeds} seeds each"
    lines = [f"search: {studies} of {search.points} points{each}, sampler {section.sampler}, pruner {section.pruner}"]
    if section.warm_start != "none":
        metric = search.plan.sweep.metrics[0].title
        lines.append(
            "warm start: each study begins with the best points of up to three finished studies of source tasks, the "
            f"most similar first; which ones is known once {metric} is"
        )
    if section.sampler != "grid":
        lines.append("the points here are drawn evenly, as the sampler need not do: time and price are estimates")
    if least_seconds < most_seconds:
        lines.append(
            f"with the pruner between {duration(least_seconds)}, if every trial ended where it looks first, and "
            f"{duration(most_seconds)}, if none did"
        )
    return [*lines, describe_choice(search.plan.sweep)]


def describe_choice(sweep: Sweep) -> str:
    """By what points are chosen."""
    if sweep.protocol == "honest":
        return "points are chosen on one half of the dev set, and scores are those of the other half"
    return (
        "points are chosen by the scores that are reported, which are too high by that; `protocol: honest` chooses on "
        "one half of the dev set and reports the other"
    )


def describe_trials(standings: Sequence[StudyStanding]) -> str:
    """Trials of all studies, and the best value so far, in one line."""
    asked = sum(len(standing.trials) for standing in standings)
    wanted = sum(standing.wanted for standing in standings)
    counts = {
        state: count
        for state in ("running", "done", "pruned", "failed")
        if (count := sum(trial.state == state for standing in standings for trial in standing.trials))
    }
    said = [f"{asked} of {wanted} points asked for", *(f"{count} {state}" for state, count in counts.items())]
    best = [(standing.best.value or 0.0, standing) for standing in standings if standing.best is not None]
    if best:
        value, standing = max(best, key=lambda found: found[0])
        said.append(f"best {value:.1f}" + (f" ({standing.address.title})" if len(standings) > 1 else ""))
    return ", ".join(said)


def describe_chosen(standings: Sequence[StudyStanding]) -> list[str]:
    """The best point of each study, a line each."""
    lines = [_chosen(standing) for standing in standings[:_STUDIES_SHOWN]]
    if len(standings) > _STUDIES_SHOWN:
        lines.append(f"and {len(standings) - _STUDIES_SHOWN} other studies")
    return lines


def _chosen(standing: StudyStanding) -> str:
    title, best = standing.address.title, standing.best
    if best is None:
        errors = [trial.error for trial in standing.trials if trial.error]
        return f"{title}: no point has a score{f'; {errors[-1]}' if errors else ''}"
    pruned, failed = standing.count("pruned"), standing.count("failed")
    besides = f"{f', {pruned} pruned' if pruned else ''}{f', {failed} failed' if failed else ''}"
    so_far = "" if standing.complete else " so far"
    ended = f"; {standing.ended}" if standing.ended else ""
    among = f"best of {len(standing.trials)} points{so_far}{besides}{ended}"
    return f"{title}: {_point(best.point)}: {best.value:.1f}, {among}"


def _point(point: Point) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in point.items()
    )


def standings_as_json(standings: Sequence[StudyStanding]) -> list[dict[str, Any]]:
    """The same as JSON data."""
    return [
        {
            **standing.address._asdict(),
            "wanted": standing.wanted,
            "complete": standing.complete,
            "ended": standing.ended,
            "best": _as_json(standing.best),
            "trials": [_as_json(trial) for trial in standing.trials],
        }
        for standing in standings
    ]


def _as_json(trial: Trial | None) -> dict[str, Any] | None:
    """A trial without its number, which means nothing."""
    if trial is None:
        return None
    said = asdict(trial)
    return {name: said[name] for name in ("point", "state", "value", "error")}
