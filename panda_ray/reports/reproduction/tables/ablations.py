"""Tables V, VI and VII: PanDa with another teacher, another metric as its weight, another distillation loss."""

from __future__ import annotations

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import COLLAPSED_NOTE, Axes, Numbers, average, collapsed_of
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title

_TEACHERS = {"panda-random": "random", "panda-source": "source", "panda": "target-like"}
_WEIGHTS = {"panda-constant": "constant", "panda-e_avg": "E_avg", "panda-on": "ON", "panda": "task embedding"}
_LOSSES = {"panda-ce": "CE", "panda-kl": "KL", "panda": "MSE"}


def _teachers(numbers: Numbers, axes: Axes) -> Table:
    return _compared("teacher", _TEACHERS, numbers, axes)


def _weights(numbers: Numbers, axes: Axes) -> Table:
    return _compared("metric", _WEIGHTS, numbers, axes)


def _losses(numbers: Numbers, axes: Axes) -> Table:
    return Table(
        name_columns=("source", "loss"),
        columns=(*axes.backbones, "collapsed"),
        lines=tuple(
            Line((source, loss), _averages(numbers, axes, label, source, digits=2))
            for source in axes.sources
            for label, loss in _LOSSES.items()
        ),
        notes=(
            "A fixed teacher gives CE and KL the same gradient: their rows differ by rounding alone.",
            COLLAPSED_NOTE,
        ),
    )


def _compared(varied: str, variants: dict[str, str], numbers: Numbers, axes: Axes) -> Table:
    """Prompt tuning, PoT and the variants of PanDa, from the first source."""
    source = axes.sources[0]
    rows = [("prompt_tuning", "", title("prompt_tuning"), ""), ("pot", source, title("pot"), "")]
    rows += [(label, source, title("panda"), variant) for label, variant in variants.items()]
    return Table(
        name_columns=("method", varied),
        columns=(*axes.backbones, "collapsed"),
        lines=tuple(
            Line((method, variant), _averages(numbers, axes, label, of)) for label, of, method, variant in rows
        ),
        notes=(COLLAPSED_NOTE,),
    )


def _averages(numbers: Numbers, axes: Axes, label: str, source: str, digits: int = 1) -> tuple[Entry | str, ...]:
    means = [average(numbers, name, label, source, axes.targets) for name in axes.backbones]
    fell = collapsed_of(numbers, axes.backbones, label, [source], axes.targets) if source else ""
    return (*(Entry(mean, digits) for mean in means), fell)


ARTEFACTS = (
    Artefact("table5", "Table V: PanDa by its teacher", "paper/table5", _teachers),
    Artefact("table6", "Table VI: PanDa by the metric that weighs", "paper/table6", _weights),
    Artefact("table7", "Table VII: PanDa by its distillation loss", "paper/table7", _losses),
)
