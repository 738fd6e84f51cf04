"""A study in the layout of the paper's tables, beside the printed numbers; and what of a table a sweep gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import spearmanr

from panda_ray.methods import get_method
from panda_ray.reports.numbers.frame import grid_of
from panda_ray.reports.reproduction.all_artefacts import ARTEFACTS, get_artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.reports.reproduction.missing_cells import asked_by
from panda_ray.reports.reproduction.of_study import StudyNumbers
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.stored import NOTHING
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import printed, rounded
from panda_ray.reports.reproduction.written.table_files import compared_tables, write_tables
from panda_ray.sweep import Sweep, sources_text
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.reproducing.artefact_sweeps import artefact_sweeps, axes_of
from support.sweeps.studies import SOURCES, TARGETS, TASKS, invented_study

WITHOUT_SCORES = ("table8", "table9", "table10", "figure9")
"""They ask for similarities."""


def entry(table: Table, *names: str, column: str) -> Entry:
    (line,) = [line for line in table.lines if line.names == names]
    found = line.entries[table.columns.index(column)]
    assert isinstance(found, Entry)
    return found


@pytest.fixture(scope="module")
def table() -> Table:
    axes = Axes(("bert-tiny",), SOURCES, TARGETS)
    tables = compared_tables(get_artefact("table16"), invented_study(), axes)
    assert list(tables) == ["Table XVI: transfer, BERT-tiny"]
    return tables["Table XVI: transfer, BERT-tiny"]


def test_a_cell_has_our_seeds_and_the_papers_number_of_the_same_backbone(table: Table) -> None:
    ours = entry(table, "PanDa", "rte", column="stsb")
    theirs = grid_of(invented_study(), "bert-tiny")["panda", "rte", "stsb"]
    assert ours.value is not None
    assert (ours.value.by_seed, ours.value.expected) == (theirs.by_seed, 3)
    assert ours.paper is not None
    assert ours.paper.value is not None
    assert ours.paper.value.mean == 82.0


def test_averages_of_both_are_over_the_studys_targets(table: Table) -> None:
    ours = entry(table, "PanDa", "rte", column="average")
    cells = [entry(table, "PanDa", "rte", column=target) for target in TARGETS]
    for own, of in (
        (ours.value, [cell.value for cell in cells]),
        (ours.paper and ours.paper.value, [cell.paper and cell.paper.value for cell in cells]),
    ):
        assert own is not None
        assert own.mean == pytest.approx(sum(value.mean for value in of if value) / len(TARGETS))


def test_a_choice_is_made_among_our_sources_without_the_target(table: Table) -> None:
    best = entry(table, "PanDa", "oracle", column="cb")
    others = [entry(table, "PanDa", source, column="cb") for source in SOURCES if source != "cb"]
    assert best.value is not None
    assert best.value.mean == max(cell.value.mean for cell in others if cell.value)
    top = entry(table, "vanilla PoT", "top-3 by E_avg", column="cb")
    assert top.value is not None
    assert top.value.mean <= best.value.mean + 10


def test_what_no_method_gives_is_empty_beside_the_papers_number(table: Table) -> None:
    absent = entry(table, "model tuning", "", column="cb")
    assert absent.value is None
    assert absent.paper is not None
    assert absent.paper.value is not None


def test_claims_of_a_study_have_its_intervals_and_a_verdict() -> None:
    axes = Axes(("bert-tiny",), SOURCES, TARGETS)
    (table,) = compared_tables(get_artefact("claims"), invented_study(), axes).values()
    lines = {line.names: line.entries for line in table.lines}
    value, of, interval, verdict = lines["mean gain of PanDa over PoT", "bert-tiny"]
    assert isinstance(value, Entry)
    assert value.value is not None
    assert (value.value.n, of, verdict) == (3, "24", "holds [sign alone]")
    low, high = (float(bound.replace("−", "-")) for bound in str(interval).split("]")[0].strip("[").split(", "))
    assert 0 < low < value.value.mean < high
    assert not [claim for claim, _ in lines if "QQP" in claim], "the study has not these sources"
    assert str(lines["sources whose PanDa average is above model tuning", "all"][1]).startswith("0/0")


def test_a_figure_is_drawn_of_the_rows_that_have_numbers(tmp_path: Path) -> None:
    study = invented_study(backbones=("bert-tiny", "bert-small"), seeds=(11, 12))
    axes = Axes(("bert-tiny", "bert-small"), SOURCES, TARGETS)
    artefact = get_artefact("figure7")
    tables = compared_tables(artefact, study, axes)
    paths = write_tables(artefact, tables, tmp_path)
    assert [path.name for path in paths] == [f"figure7.{ending}" for ending in ("md", "tex", "csv", "svg", "png")]
    drawn = (tmp_path / "figure7.svg").read_text()
    assert all(
        name in drawn for name in ("BERT-tiny", "BERT-small", "no transfer", "E_avg", "task embedding", "oracle")
    )
    assert ">ON<" not in drawn, "the study has no such metric"
    assert "Figure 7" not in drawn, "a page has its own numbers"
    said = "Means of 2 seeds; error bars are standard deviations over them. The axis begins at "
    assert said in drawn
    assert said in (tmp_path / "figure7.md").read_text()
    assert drawn.count("<pattern") >= 2, "bars differ in grey, too"

    (table,) = tables.values()
    grid, target_means, fell = grid_of(study, "bert-tiny"), [], 0
    similarity = study.similarity[study.similarity["metric"] == "e_avg"]
    for target in TARGETS:
        rows = similarity[(similarity["target"] == target) & (similarity["source"] != target)]
        first = rows[rows["backbone"] == "bert-tiny"].groupby("source")["similarity"].mean().idxmax()
        target_means.append(grid["pot", first, target].mean)
        fell += grid["pot", first, target].mean < grid["prompt_tuning", "", target].mean - 10
    chosen = entry(table, "E_avg", column="bert-tiny")
    assert chosen.value is not None
    assert chosen.value.mean == pytest.approx(sum(target_means) / len(target_means))
    (counted,) = [line.entries[0] for line in table.lines if line.names == ("E_avg, collapsed",)]
    assert counted == f"{fell}/{len(TARGETS)}"


def test_the_mean_gain_over_all_sizes_has_an_interval_over_items_that_all_of_them_share() -> None:
    one, two = Axes(("bert-tiny",), SOURCES, TARGETS), Axes(("bert-tiny", "bert-small"), SOURCES, TARGETS)
    study = invented_study(backbones=two.backbones, seeds=(11,))
    numbers = StudyNumbers(study, NOTHING)
    both, alone = (numbers.interval(axes.backbones, "panda", "pot") for axes in (two, one))
    assert both is not None
    assert alone is not None
    assert both != alone
    (table,) = compared_tables(get_artefact("claims"), study, two).values()
    lines = {line.names: line.entries for line in table.lines}
    gain, of, interval, verdict = lines["mean gain of PanDa over PoT", "all"]
    assert isinstance(gain, Entry)
    assert gain.value is not None
    assert both[0] < gain.value.mean < both[1]
    assert (of, verdict) == ("48", "holds [sign alone]")
    assert str(interval).startswith(f"[{rounded(both[0], 1)}, {rounded(both[1], 1)}]".replace("-", "−"))


def test_long_names_below_bars_are_wrapped_and_one_seed_has_no_error_bars(tmp_path: Path) -> None:
    names = ("model tuning", "prompt tuning (P-tuning v2)", "adapters (Houlsby et al.)")
    table = Table(("setting",), names, (Line(("alone",), (Entry(printed(50.0)),) * 3),))
    write_tables(get_artefact("figure6"), {"Figure 6: others": table}, tmp_path)
    drawn = (tmp_path / "figure6.svg").read_text()
    assert ">(Houlsby<" in drawn
    assert "One seed, and so no error bars." in drawn


def test_a_method_with_panda_collapsed_where_it_is_far_below_itself_alone() -> None:
    study = invented_study(seeds=(11,))
    alone = study.scores[study.scores["method"] == "prompt_tuning"]
    fallen = alone["target"].isin(TARGETS[:2])
    taught = alone.assign(method="panda-houlsby", sources="rte", score=alone["score"] - 40 - 10.5 * fallen)
    scores = pd.concat([study.scores, alone.assign(method="houlsby", score=alone["score"] - 40), taught])
    wanted = study.cells[study.cells["method"] == "prompt_tuning"]
    more = [wanted.assign(method="houlsby"), wanted.assign(method="panda-houlsby", sources="rte")]
    numbers = StudyNumbers(replace(study, scores=scores, cells=pd.concat([study.cells, *more])), NOTHING)
    (table,) = get_artefact("figure6").tables(numbers, Axes(("bert-tiny",), ("rte",), TARGETS)).values()
    fell = dict(zip(table.columns, table.lines[-1].entries, strict=True))
    assert fell["adapters (Houlsby et al.)"] == "2/4", "40 points below prompt tuning are the adapters' own"
    assert fell["model tuning"] == ""


def test_curves_are_drawn_over_lambda(tmp_path: Path) -> None:
    artefact = get_artefact("figure4")
    axes = Axes(("bert-tiny",), ("rte",), ("cb", "cola"))
    paths = write_tables(artefact, compared_tables(artefact, invented_study(), axes), tmp_path)
    assert "figure4.svg" in {path.name for path in paths}
    drawn = (tmp_path / "figure4.svg").read_text()
    assert all(text in drawn for text in ("RTE to CB", "RTE to CoLA", "0.05", ">λ<"))


@pytest.mark.parametrize("name", [name for name, artefact in ARTEFACTS.items() if artefact.sweep])
def test_a_shipped_sweep_has_the_cells_of_its_table_and_no_others(name: str) -> None:
    ((artefact, sweep),) = artefact_sweeps([name], [])
    assert sweep == load_sweep(f"{artefact.sweep}"), "who runs or submits it by its name gets the same"
    asked = asked_by(artefact, axes_of(sweep))
    assert asked <= cells_of(sweep)
    if name not in WITHOUT_SCORES:
        assert asked == cells_of(sweep)


def cells_of(sweep: Sweep) -> set[tuple[str, str, str, str]]:
    found = set()
    for backbone, method, target in product(sweep.backbones, sweep.methods, sweep.targets):
        entries = {
            "none": [""],
            "one": [source for source in sweep.single_sources if sweep.self_pairs == "run" or source != target],
            "several": [sources_text(each) for each in sweep.source_lists],
        }[get_method(method.method).sources]
        found |= {(backbone.name, method.title, sources, target) for sources in entries}
    return found


GROUPS = {name: info.group for name, info in TASKS.items()}


def test_similarities_are_a_map_per_backbone_and_metric_and_one_without_numbers_is_left_out(tmp_path: Path) -> None:
    axes = Axes(("bert-tiny", "bert-small"), SOURCES, TARGETS, metrics=("task_embedding", "e_avg", "on"), groups=GROUPS)
    artefact = get_artefact("figure9")
    study = invented_study(backbones=("bert-tiny", "bert-small"), seeds=(11, 12))
    tables = compared_tables(artefact, study, axes)
    assert list(tables) == [
        f"Figures 5 (1-3) and 9: similarity, BERT-{size}, {metric}"
        for size in ("tiny", "small")
        for metric in ("task embedding", "E_avg")
    ]
    rows = study.similarity[(study.similarity["metric"] == "e_avg") & (study.similarity["backbone"] == "bert-small")]
    mean = rows[(rows["source"] == "rte") & (rows["target"] == "cb")]["similarity"].mean()
    shown = entry(tables["Figures 5 (1-3) and 9: similarity, BERT-small, E_avg"], "rte", column="cb")
    assert shown.value is not None
    assert shown.value.mean == pytest.approx(mean)
    names = {path.name for path in write_tables(artefact, tables, tmp_path)}
    assert {"figure9_1.svg", "figure9_4.svg", "figure9_4.csv", "figure9.md", "figure9.tex"} <= names
    assert "figure9_5.csv" not in names
    assert (
        "![Figures 5 (1-3) and 9: similarity, BERT-tiny, E_avg](figure9_2.svg)" in (tmp_path / "figure9.md").read_text()
    )
    svg = (tmp_path / "figure9_1.svg").read_text()
    assert all(name in svg for name in (*map(title, SOURCES), "NLI", "semantic matching"))


def test_a_metric_is_judged_by_the_first_epoch_of_other_sources_seed_by_seed(tmp_path: Path) -> None:
    study = invented_study(seeds=(11, 12))
    axes = Axes(("bert-tiny",), SOURCES, TARGETS, metrics=("task_embedding", "constant"), groups=GROUPS)
    artefact = get_artefact("figure5")
    tables = compared_tables(artefact, study, axes)
    (table,) = tables.values()
    assert entry(table, "constant", column="bert-tiny").value is None, "equal values have no order"
    shown = entry(table, "task embedding", column="bert-tiny").value
    assert shown is not None
    similarity = study.similarity[study.similarity["metric"] == "task_embedding"].set_index(
        ["seed", "target", "source"]
    )
    pot = study.scores[study.scores["method"] == "pot"].set_index(["seed", "target", "sources"])
    for seed in (11, 12):
        by_target = []
        for target in TARGETS:
            others = [source for source in SOURCES if source != target]
            predicted, reached = (
                [frame.loc[seed, target, source] for source in others]
                for frame in (similarity["similarity"], pot["score_first_epoch"])
            )
            by_target.append(spearmanr(predicted, reached))
        assert shown.by_seed[seed] == pytest.approx(sum(each.statistic for each in by_target) / len(TARGETS))
    write_tables(artefact, tables, tmp_path)
    drawn = (tmp_path / "figure5.svg").read_text()
    assert "Spearman" in drawn
    assert "constant" not in drawn
