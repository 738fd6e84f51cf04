"""What the paper claims of PanDa over its five grids, with a verdict on each: sign, significance and number of cells.

A mean gain is significant where its 95 % interval, a paired bootstrap over dev items that all backbones share, lies
above 0; that one method is above the other in most cells, where a sign test says so at 5 %. Cells of one source or
target are not independent, so the sign test is too sure of itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from panda_ray.reports.formatting import ABSENT, MINUS
from panda_ray.reports.numbers.gains import COLLAPSED
from panda_ray.reports.numbers.signs import sign_test
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers, average
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.value import Value, best_of, difference, mean_of, printed, rounded

_LEVEL = 0.05

_THREE = ("mnli", "qnli", "qqp")
"""Sources of Table IV, which sets their mean below both fusions of them."""

HOLDS, SIGN_ALONE, FAILS = "holds", "sign alone", "does not hold"


def _layout(numbers: Numbers, axes: Axes) -> Table:
    one = len(axes.backbones) == 1
    return Table(
        name_columns=("claim", "backbone"),
        columns=("value", "of", "95 % interval", "verdict"),
        lines=(
            *([] if one else [_gain(numbers, axes, axes.backbones, "all")]),
            *(_gain(numbers, axes, (backbone,), backbone) for backbone in axes.backbones),
            *(_of_three(numbers, axes, backbone) for backbone in axes.backbones if {*_THREE} <= {*axes.sources}),
            _largest(numbers, axes),
            *([] if one else [_above(numbers, axes, axes.backbones, "all")]),
            *(_above(numbers, axes, (backbone,), backbone) for backbone in axes.backbones),
            _above_model_tuning(numbers, axes),
            *(_collapsed(numbers, axes, method, title) for method, title in (("pot", "PoT"), ("panda", "PanDa"))),
            *([] if one else [_in_order(numbers, axes)]),
        ),
        notes=(
            "Gains in points, shares in percent. Over the cells that both methods have, self pairs included.",
            f"Verdict: {HOLDS} (significantly), {SIGN_ALONE} (or nothing to test it by), {FAILS}.",
            "The sign test takes cells for independent, and leaves out those where both are equal.",
            "Sizes are in the order of the sweep, the largest first.",
            "What the paper says of similarities by how many examples they are read from, of parameters and of seconds "
            "is beside ours in Tables VIII, IX and XII: these are quantities, with no sign to hold.",
        ),
    )


def _pairs(
    numbers: Numbers, axes: Axes, backbones: Sequence[str], method: str, reference: str
) -> Iterator[tuple[Value, Value]]:
    """Cells of a method and what each is compared with: the reference's cell of the same pair, or without a source."""
    for backbone in backbones:
        for source in axes.sources:
            for target in axes.targets:
                ours = numbers.score(backbone, method, source, target)
                theirs = numbers.score(backbone, reference, "" if reference == "prompt_tuning" else source, target)
                if ours is not None and theirs is not None:
                    yield ours, theirs


def _gain(numbers: Numbers, axes: Axes, backbones: Sequence[str], name: str) -> Line:
    gains = [difference(*pair) for pair in _pairs(numbers, axes, backbones, "panda", "pot")]
    mean = mean_of(gains) if gains else None
    known = numbers.interval(backbones, "panda", "pot")
    shown = ABSENT if known is None else f"[{rounded(known[0], 1)}, {rounded(known[1], 1)}]".replace("-", MINUS)
    return Line(
        ("mean gain of PanDa over PoT", name),
        (Entry(mean), str(len(gains)), shown, _verdict(_is_positive(mean), known is not None and known[0] > 0)),
    )


def _of_three(numbers: Numbers, axes: Axes, backbone: str) -> Line:
    ours, theirs = (
        mean_of(average(numbers, backbone, method, source, axes.targets) for source in _THREE)
        for method in ("panda", "pot")
    )
    gain = difference(ours, theirs)
    return Line(
        ("mean gain of PanDa over PoT from MNLI, QNLI and QQP", backbone),
        (Entry(gain), str(3 * len(axes.targets)), ABSENT, _verdict(_is_positive(gain), False)),
    )


def _largest(numbers: Numbers, axes: Axes) -> Line:
    means = [
        difference(*(average(numbers, backbone, method, source, axes.targets) for method in ("panda", "pot")))
        for backbone in axes.backbones
        for source in axes.sources
    ]
    best = best_of(means)
    count = str(sum(mean is not None for mean in means))
    return Line(
        ("largest average gain of a source", "all"), (Entry(best), count, ABSENT, _verdict(_is_positive(best), False))
    )


def _above(numbers: Numbers, axes: Axes, backbones: Sequence[str], name: str) -> Line:
    pairs = list(_pairs(numbers, axes, backbones, "panda", "pot"))
    above, below = (sum(sign * (ours.mean - theirs.mean) > 0 for ours, theirs in pairs) for sign in (1, -1))
    sure = sign_test(above, below) < _LEVEL
    share = _share(above, len(pairs))
    return Line(
        ("cells with PanDa above PoT", name),
        (Entry(share), f"{above}/{len(pairs)}", ABSENT, _verdict(above > below if pairs else None, sure)),
    )


def _above_model_tuning(numbers: Numbers, axes: Axes) -> Line:
    rows = [
        (mean.mean, tuned.mean)
        for backbone in axes.backbones
        if (tuned := average(numbers, backbone, "model_tuning", "", axes.targets)) is not None
        for source in axes.sources
        if (mean := average(numbers, backbone, "panda", source, axes.targets)) is not None
    ]
    above = sum(float(rounded(mean, 1)) > float(rounded(tuned, 1)) for mean, tuned in rows)
    share = _share(above, len(rows))
    return Line(
        ("sources whose PanDa average is above model tuning", "all"),
        (Entry(share), f"{above}/{len(rows)}", ABSENT, _verdict(above > 0 if rows else None, False)),
    )


def _collapsed(numbers: Numbers, axes: Axes, method: str, title: str) -> Line:
    pairs = list(_pairs(numbers, axes, axes.backbones, method, "prompt_tuning"))
    fell = sum(ours.mean < base.mean - COLLAPSED for ours, base in pairs)
    verdict = "" if not pairs else _verdict(fell > 0, False) if method == "pot" else FAILS if fell else HOLDS
    return Line(
        (f"cells of {title} more than 10 points below prompt tuning", "all"),
        (Entry(_share(fell, len(pairs))), f"{fell}/{len(pairs)}", ABSENT, verdict),
    )


def _in_order(numbers: Numbers, axes: Axes) -> Line:
    """Of neighbours among the backbones, how often the larger one has the higher mean of PanDa."""

    def mean(backbone: str) -> Value | None:
        return mean_of(average(numbers, backbone, "panda", source, axes.targets) for source in axes.sources)

    means = [value.mean for backbone in axes.backbones if (value := mean(backbone)) is not None]
    kept = sum(larger > smaller for larger, smaller in itertools.pairwise(means))
    pairs = max(len(means) - 1, 0)
    return Line(
        ("neighbouring sizes of which the larger has the higher mean of PanDa", "all"),
        (Entry(_share(kept, pairs)), f"{kept}/{pairs}", ABSENT, _verdict(kept == pairs if pairs else None, False)),
    )


def _share(count: int, of: int) -> Value | None:
    return printed(100 * count / of) if of else None


def _is_positive(value: Value | None) -> bool | None:
    return None if value is None else value.mean > 0


def _verdict(has_sign: bool | None, is_sure: bool) -> str:
    """On a claim of which the sign and the significance are known; "" where it could not be looked at."""
    if has_sign is None:
        return ""
    if not has_sign:
        return FAILS
    return HOLDS if is_sure else SIGN_ALONE


ARTEFACTS = (Artefact("claims", "What the paper claims of PanDa", "paper/claims", _layout),)
