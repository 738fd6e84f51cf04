"""The paper's numbers as a source of tables: its cells, and what it states without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property

from panda_ray.reports.paper import METHODS, SOURCE_ORDER, TABLES, TARGET_ORDER, paper_cells, paper_rows
from panda_ray.reports.reproduction.asked import ORACLE, Answer, Quantity, over
from panda_ray.reports.reproduction.value import Value, printed

_LABELS = {row: label for label, row in METHODS.items()} | {"prompt_tuning": "lester"}
"""The paper's row name to our label, where they differ: its `prompt_tuning` is the one of Lester et al."""

_SIZES = {backbone.removeprefix("bert-"): backbone for backbone in TABLES}

_TOP = {"vanilla_pot_top3_e_avg": ("pot", "e_avg"), "panda_top3_ours": ("panda", "task_embedding")}

_TRANSFERS = ("vanilla_pot", "panda")

_METRICS = {"ours": "task_embedding"}

_FUSED = "mnli+qnli+qqp"

_TARGETS = over(TARGET_ORDER)
"""What stated averages are over."""

_ALL = over(sorted(SOURCE_ORDER))

Name = tuple[str, ...]


class PrintedNumbers:
    """What the paper prints; see `Numbers`."""

    def score(self, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self._scores.get((backbone, method, sources, target))

    def first_epoch(self, _backbone: str, _method: str, _sources: str, _target: str) -> Value | None:
        return None

    def similarity(self, backbone: str, metric: str, source: str, target: str) -> Value | None:
        return self._similarities.get((backbone, metric, source, target))

    def cost(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Value | None:
        return self._costs.get((quantity, backbone, method, sources, target))

    def answers(self, _backbone: str, _method: str, _sources: str, _target: str) -> Mapping[int, Sequence[Answer]]:
        return {}

    def interval(self, _backbones: Sequence[str], _method: str, _reference: str) -> tuple[float, float] | None:
        return None

    def stated(self, *name: str) -> Value | None:
        return self._stated.get(name)

    def erratum(self, where: str, method: str, row: str, column: str) -> str:
        table = TABLES.get(where, where).split("_")[0]
        of = METHODS.get(method, method)
        name = (table, f"{of}_oracle", "", column) if row == ORACLE else (table, of, row, column)
        return _errata_of_computed().get(name, "")

    @cached_property
    def _scores(self) -> dict[Name, Value]:
        found: dict[Name, Value] = {}
        for backbone in TABLES:
            for (method, source, target), cell in paper_cells(backbone).items():
                found[backbone, _label(method), source, target] = printed(cell.score, cell.erratum)
        for row in paper_rows("table11_other_backbones"):
            found[row["model"], _label(row["method"]), row["source"], row["target"]] = printed(row["score"])
        return found

    @cached_property
    def _similarities(self) -> dict[Name, Value]:
        return {
            ("bert-base", f"task_embedding-{row['samples']}", row["source"], row["target"]): printed(row["similarity"])
            for row in paper_rows("table8_similarity")
        }

    @cached_property
    def _costs(self) -> dict[Name, Value]:
        found: dict[Name, Value] = {}
        for row in paper_rows("table12_cost"):
            cell = ("bert-large", _label(row["method"]), "mnli" if row["method"] in _TRANSFERS else "", "stsb")
            found["parameters", *cell] = printed(row["trainable_params_million"])
            found["seconds", *cell] = printed(row["seconds"])
        return found

    @cached_property
    def _stated(self) -> dict[Name, Value]:
        return dict(_top_three()) | {name: printed(number) for name, number in _stated()}


def _label(row: str) -> str:
    return _LABELS.get(row, row)


def _top_three() -> Iterator[tuple[Name, Value]]:
    """The rows of the best of three sources, whose similarities the paper does not print."""
    for (row, _, target), cell in paper_cells("bert-large").items():
        if row in _TOP:
            yield ("top3", "bert-large", *_TOP[row], target), printed(cell.score, cell.erratum)


def _stated() -> Iterator[tuple[Name, str]]:
    yield from _stated_averages()
    for row in paper_rows("table9_similarity_std"):
        yield ("std", "bert-base", row["source"], _TARGETS), row["std"]
        yield ("to_mean", "bert-base", row["source"], _TARGETS), row["abs_ours_minus_avg"]
    for row in paper_rows("table10_same_diff"):
        metric = _METRICS.get(row["metric"], row["metric"])
        yield ("related", _SIZES[row["backbone"]], metric, row["pair_type"], _ALL), row["similarity_percent"]


def _stated_averages() -> Iterator[tuple[Name, str]]:
    """Of rows whose cells the paper does not print."""
    for row in paper_rows("table4_multitask"):
        if row["setting"] == "multi":
            yield ("average", "bert-base", row["method"].replace("_", "-"), _FUSED, _TARGETS), row["avg"]
    for row in paper_rows("table5_teacher"):
        if row["teacher"] in ("random", "source"):
            yield ("average", _SIZES[row["backbone"]], f"panda-{row['teacher']}", "mnli", _TARGETS), row["avg"]
    for row in paper_rows("table6_metric_weight"):
        if row["metric"] not in ("", "ours"):
            yield ("average", _SIZES[row["backbone"]], f"panda-{row['metric']}", "qnli", _TARGETS), row["avg"]
    for row in paper_rows("table7_kd_loss"):
        if row["kd_loss"] != "mse":
            yield ("average", _SIZES[row["backbone"]], f"panda-{row['kd_loss']}", row["source"], _TARGETS), row["avg"]


@cache
def _errata_of_computed() -> dict[Name, str]:
    """By table, method, row and column: of averages and gains, which are computed and not read."""
    return {
        (row["table"].split("_")[0], row["method"], row["row"], row["column"]): row["note"]
        for row in paper_rows("errata")
        if row["column"] in ("avg", "gain")
    }
