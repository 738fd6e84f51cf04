"""The sources that are recommended for a task, in words: the first choice, and what a prediction rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panda_ray.usecases.choosing.recommendation import Recommendation


def describe_recommended(found: Recommendation) -> list[str]:
    """The first choice, and whether its interval has losses in it."""
    first = found.sources[0]
    line = f"{found.task} on {found.backbone}: start from {first.source}, which {found.metric} ranks first"
    if first.predicted is None:
        return [f"{line} of {len(found.sources)} sources"]
    said = first.predicted
    line += f"; predicted gain over prompt tuning {said.gain:+.1f} points, "
    line += f"90 % interval [{said.low:+.1f}, {said.high:+.1f}]"
    if said.low < 0:
        return [line, "the interval has losses in it too: train the first three, and compare them with prompt tuning"]
    return [line]


def describe_evidence(found: Recommendation) -> list[str]:
    """What the prediction rests on, and how often it was right there."""
    pairs = sum(map(len, found.evidence.values()))
    lines = [f"similarities are means over the seeds {', '.join(map(str, found.seeds))}"]
    if found.calibration is None:
        lines.append(
            f"no gain is predicted: that needs finished PoT cells of at least 3 other targets, and the store has "
            f"{pairs} pairs of {len(found.evidence)}"
        )
    else:
        whose = "of the built-in suite's grid, as the package brings them" if found.shipped else "finished"
        lines.append(
            f"predicted from {pairs} pairs {whose}, of {len(found.evidence)} targets: {', '.join(found.evidence)}"
        )
    if found.covered is not None:
        held, of = found.covered
        share = f"{held} ({100 * held / of:.0f} %)"
        lines.append(f"of these {of} gains, {share} lie in the 90 % interval that the other targets alone give them")
    if any(each.measured is not None for each in found.sources):
        lines.append(f"measured gains of {found.task} itself have no say in the prediction")
    if found.untrained:
        lines.append(f"left out, because the store has no prompt of them: {', '.join(found.untrained)}")
    return lines
