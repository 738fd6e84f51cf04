"""Sources that metrics choose, in words: how many pairs are trained, what that saves, and what is not chosen yet."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from panda_ray.cli.wording.words import duration

if TYPE_CHECKING:
    from panda_ray.choosing.expected import Anticipated


def describe_choices(choices: Anticipated, seconds: float, seconds_of_all: float | None) -> list[str]:
    """What is trained of each method, what is left of it, and what all pairs would take.

    Args:
        seconds: of all that is left.
        seconds_of_all: likewise, without a choice.
    """
    plan = choices.plan
    lines = []
    for section in plan.sweep.methods:
        if section.sources is None:
            continue
        share, top = choices.shares[section.title], section.sources.top
        which = "the source" if top == 1 else f"the {top} sources"
        ranks = f"{which} of each target that {plan.chosen_by[section.title]} ranks highest"
        waiting = "1 target waits" if share.unchosen == 1 else f"{share.unchosen} targets wait"
        waits = f"; {waiting} for the metric" if share.unchosen else ""
        lines.append(f"{section.title}: {ranks}, {share.pairs} of {share.of} pairs{waits}")
    if choices.fewest < choices.most:
        lines.append(f"between {choices.fewest} and {choices.most} of these cells are left, as the choice will be")
    if seconds_of_all is not None and seconds < seconds_of_all:
        lines.append(f"{duration(seconds)} at the most are left instead of {duration(seconds_of_all)} with all pairs")
    return lines


def describe_unchosen(count: int) -> str:
    """Targets without cells."""
    targets = "1 target waits" if count == 1 else f"{count} targets wait"
    return f"{targets} for a metric that chooses sources (once for each backbone and method)"


def choices_as_json(choices: Anticipated, seconds_of_all: float | None) -> dict[str, Any]:
    """The same as JSON data."""
    return {
        "methods": {label: asdict(share) for label, share in choices.shares.items()},
        "fewest_cells_left": choices.fewest,
        "most_cells_left": choices.most,
        "seconds_of_all_pairs": None if seconds_of_all is None else round(seconds_of_all, 1),
    }
