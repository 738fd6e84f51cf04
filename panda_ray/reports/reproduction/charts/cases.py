"""Figure 8: the dev items that PoT gets wrong and PanDa right, with what every method says of them.

The source's own model is among them where its head names the target's labels (MNLI's does for CB); its column is empty
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Answer, Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Line, Table
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import rounded

_IS_TRANSFER = {"model_tuning": False, "prompt_tuning": False, "source_model": True, "pot": True, "panda": True}
_LOST, _FOUND = "pot", "panda"

_METRIC = "task_embedding"

_LONGEST = 240
"""Characters of an item that are shown."""


def _layout(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone, source and target."""
    backbone, source, target = axes.backbones[0], axes.sources[0], axes.targets[0]
    known = {
        method: numbers.answers(backbone, method, source if is_transfer else "", target)
        for method, is_transfer in _IS_TRANSFER.items()
    }
    seeds = sorted(known[_LOST].keys() & known[_FOUND].keys())
    similarity = numbers.similarity(backbone, _METRIC, source, target)
    return Table(
        name_columns=("item", "text"),
        columns=("truth", *map(title, known)),
        lines=tuple(_lines({method: of.get(seeds[0], ()) for method, of in known.items()})) if seeds else (),
        notes=(
            *(() if similarity is None else [f"Similarity by {title(_METRIC)}: {rounded(similarity.mean, 2)}."]),
            *(f"Seed {seed}." for seed in seeds[:1]),
        ),
    )


def _lines(said: Mapping[str, Sequence[Answer]]) -> list[Line]:
    """How many items each method has right, how many one of both transfers alone has, then the items one by one."""
    pairs = list(zip(said[_LOST], said[_FOUND], strict=True))
    won = [item for item, (lost, found) in enumerate(pairs) if not _is_right(lost) and _is_right(found)]
    gone = sum(_is_right(lost) and not _is_right(found) for lost, found in pairs)
    right = [f"{sum(map(_is_right, answers))}/{len(answers)}" if answers else "" for answers in said.values()]
    alone = {_LOST: str(gone), _FOUND: str(len(won))}
    either = f"right by one of {title(_LOST)} and {title(_FOUND)} alone"
    return [
        Line(("", "right"), ("", *right)),
        Line(("", either), ("", *(alone.get(method, "") for method in said))),
        *(_case(item, said) for item in won),
    ]


def _case(item: int, said: Mapping[str, Sequence[Answer]]) -> Line:
    shown = said[_FOUND][item]
    text = shown.text if len(shown.text) <= _LONGEST else f"{shown.text[: _LONGEST - 1]}…"
    return Line((str(item), text), (shown.truth, *(answers[item].said if answers else "" for answers in said.values())))


def _is_right(answer: Answer) -> bool:
    return answer.said == answer.truth


ARTEFACTS = (
    Artefact(
        "figure8",
        "Figure 8: what PoT gets wrong and PanDa right",
        "paper/figure8",
        _layout,
        per=("backbones", "targets", "sources"),
    ),
)
