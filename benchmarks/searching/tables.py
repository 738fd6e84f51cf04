"""What was measured of searches, as lines of `results/RESULTS.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NAMES = {
    "stacked": "panda_ray, one seed",
    "stacked-seeds": "panda_ray, three seeds",
    "alone": "panda_ray, a stack per training",
    "tune": "Ray Tune, `OptunaSearch`, PEFT",
}


def halving(result: Mapping[str, Any]) -> Iterator[str]:
    """One task against the bar."""
    bar, seeds = result["bar"], len(result["seeds"])
    yield (
        f"{result['task']}, {result['rows']['train']} training and {result['rows']['dev']} dev rows, {seeds} searches "
        f"of one seed each; halving stops {result['stops']}. **{result['share']:.1%}** of the examples of the whole "
        f"grid ({result['largest_share']:.1%} at the most; bar {bar['share']:.0%}). The chosen point is within "
        f"{bar['lost']} of the grid's choice in **{result['near']} of {seeds}** (bar {bar['near']:.0%}), and loses "
        f"{result['lost']:.2f} on average and {result['most_lost']:.2f} at the most. "
        f"The bar is {'met' if result['met'] else '**not met**'}."
    )


def stacking(result: Mapping[str, Any]) -> Iterator[str]:
    """The contenders, and how many times the CPU time of a stacked training the others take."""
    sizes = ", ".join(map(str, result["space"]["batch_size"]))
    yield (
        f"CPU seconds per training on one core: {result['task']}, {result['rows']['train']} training and "
        f"{result['rows']['dev']} dev rows, points of batch size {sizes}. *Whole* counts a process "
        "from its start, imports included."
    )
    yield ""
    yield "| contender | trainings | stacks | training | whole | over one seed's | over three seeds' |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for name, cost in result["contenders"].items():
        count, widths = cost["trainings"], cost["widths"].items()
        cells = [NAMES[name], str(count), ", ".join(f"{number} of {width}" for width, number in widths)]
        cells += [f"{cost[key] / count:.2f}" for key in ("training_cpu_seconds", "cpu_seconds")]
        for of in ("stacked", "stacked-seeds"):
            ratio = result["ratios"].get(of, {}).get(name)
            cells.append("" if ratio is None else f"{ratio['training']:.1f} (whole {ratio['whole']:.1f})")
        yield "| " + " | ".join(cells) + " |"
