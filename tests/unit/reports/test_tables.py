from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from panda_ray.reports.build import write_report
from panda_ray.reports.findings import findings
from panda_ray.reports.formatting import latex, markdown, mean_std, signed
from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.numbers.frame import Aggregate, grid_of, scores_csv, similarity_csv, targets_of
from panda_ray.reports.numbers.tables import GridTable, grid_table, top_sources
from support.sweeps.studies import FUSED, SOURCES, TARGETS, fused_study, invented_study, without_cell


def cell(*scores: float, expected: int = 2) -> Aggregate:
    seeds = dict(enumerate(scores, start=11))
    return Aggregate(seeds, {seed: f"{score}" for seed, score in seeds.items()}, expected)


@pytest.fixture
def small() -> GridTable:
    """Two targets, two sources, two seeds, one cell missing and one with one seed only."""
    grid = {
        ("plain", "", "cb"): cell(70.0, 72.0),
        ("plain", "", "st_s"): cell(80.0, 80.0),
        ("PoT|1", "a", "cb"): cell(60.0, 64.0),
        ("PoT|1", "a", "st_s"): cell(84.0, 84.0),
        ("PoT|1", "b", "cb"): cell(75.0, expected=2),
    }
    return grid_table(
        "tiny",
        grid,
        baseline="plain",
        methods=["PoT|1"],
        sources=["a", "b"],
        targets=["cb", "st_s"],
        rankings={"metric": {("a", "cb"): 0.1, ("b", "cb"): 0.9, ("a", "st_s"): 0.5, ("b", "st_s"): 0.2}},
        pot="PoT|1",
    )


MARKDOWN = """\
**tiny**

| method | sources | cb | st_s | average | Δ | 95 % interval | Δ PoT |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| plain |  | 71.0 ± 1.4 | 80.0 ± 0.0 | 75.5 ± 0.7 | – | – | – |
| PoT\\|1 | a | 62.0 ± 2.8 | **84.0 ± 0.0** | 73.0 ± 1.4 | −2.5 | – | – |
| PoT\\|1 | b | **75.0†** | – | – | – | – | – |
| PoT\\|1 | oracle | 75.0† | 84.0 ± 0.0 | 79.5† | +4.5 | – | – |
| PoT\\|1 | top-3 by metric | 75.0† | 84.0 ± 0.0 | 79.5† | +4.5 | – | – |

"""


def test_markdown_is_golden(small: GridTable) -> None:
    text = markdown(small)
    assert text.startswith(MARKDOWN)
    assert "† Some seeds are missing." in text
    assert "– Not computed" in text


LATEX = r"""\begin{tabular}{llrrrrrr}
\toprule
Method & Sources & cb & st\_s & Average & $\Delta$ & 95\,\% interval & $\Delta$ PoT \\
\midrule
plain &  & 71.0 $\pm$ 1.4 & 80.0 $\pm$ 0.0 & 75.5 $\pm$ 0.7 & -- & -- & -- \\
\midrule
PoT|1 & a & 62.0 $\pm$ 2.8 & \textbf{84.0 $\pm$ 0.0} & 73.0 $\pm$ 1.4 & $-$2.5 & -- & -- \\
 & b & \textbf{75.0$^\dagger$} & -- & -- & -- & -- & -- \\
 & oracle & 75.0$^\dagger$ & 84.0 $\pm$ 0.0 & 79.5$^\dagger$ & +4.5 & -- & -- \\
 & top-3 by metric & 75.0$^\dagger$ & 84.0 $\pm$ 0.0 & 79.5$^\dagger$ & +4.5 & -- & -- \\
\bottomrule
\end{tabular}
"""


def test_latex_is_golden(small: GridTable) -> None:
    assert latex(small).endswith(LATEX)


def test_gain_compares_common_seeds_only(small: GridTable) -> None:
    """The oracle row has seed 11 alone, where prompt tuning averages 75."""
    oracle = small.rows_of("oracle")[0]
    assert oracle.average is not None
    assert oracle.average.by_seed == {11: 79.5}
    assert oracle.gain == pytest.approx(79.5 - 75.0)


def test_top_sources_are_the_most_similar_ones() -> None:
    ranking = {(f"s{i}", "t"): value for i, value in enumerate([0.1, 0.9, -0.2, 0.5, 0.7])}
    assert top_sources(ranking, [f"s{i}" for i in range(6)], "t") == ["s1", "s4", "s3"]


def chooser(method: str = "pot") -> GridTable:
    """One target among five sources; its own cell is the best and has similarity 1, a bad source comes second."""
    scores = {"t": 90.0, "a": 60.0, "b": 70.0, "c": 75.0, "d": 80.0}
    grid = {("plain", "", "t"): cell(50.0)} | {(method, source, "t"): cell(score) for source, score in scores.items()}
    ranking = {("t", "t"): 1.0, ("a", "t"): 0.9, ("b", "t"): 0.8, ("c", "t"): 0.7, ("d", "t"): 0.1}
    return grid_table(
        "tiny",
        grid,
        baseline="plain",
        methods=[method],
        sources=list(scores),
        targets=["t"],
        rankings={"metric": ranking},
    )


def test_top_3_and_oracle_never_choose_the_target_itself() -> None:
    table = chooser()
    [oracle], [top] = table.rows_of("oracle"), table.rows_of("top3")
    assert [row.cells[0].mean for row in (oracle, top) if row.cells[0]] == [80.0, 75.0]
    assert top_sources({("t", "t"): 1.0, ("a", "t"): 0.1}, ["t", "a"], "t") == ["a"]
    assert "without the target itself" in markdown(table)


def test_gain_over_pot_does_not_depend_on_the_order_of_the_methods() -> None:
    grid = {
        ("plain", "", "t"): cell(50.0),
        ("panda", "a", "t"): cell(60.0),
        ("pot", "a", "t"): cell(55.0),
    }
    for methods in (["pot", "panda"], ["panda", "pot"]):
        table = grid_table(
            "tiny", grid, baseline="plain", methods=methods, sources=["a"], targets=["t"], rankings={}, pot="pot"
        )
        over_pot = {row.method: row.gain_over_pot for row in table.rows_of("source")}
        assert over_pot == {"panda": 5.0, "pot": None}


def test_the_choice_sentence_names_one_metric_that_no_result_chose() -> None:
    """The first metric listed, for all methods, though the second one's choice is better."""
    study = invented_study(items=40)
    for chosen, other in (("task_embedding", "e_avg"), ("e_avg", "task_embedding")):
        listed = replace(study, metrics=("constant", chosen, other))
        analysis = analyse(listed, "bert-tiny", 10)
        [line] = [line for line in findings(listed, [analysis]) if "oracle" in line]
        top = {row.method: row for row in analysis.table.rows_of("top3") if row.title == f"top-3 by {chosen}"}
        assert f"{chosen} (the first metric listed)" in line
        assert ", ".join(f"{method} {signed(row.gain)}" for method, row in top.items()) in line
        assert other not in line
        assert "no interval" in line


@pytest.mark.parametrize(("value", "text"), [(1.25, "+1.2"), (-0.3, "−0.3"), (-0.04, "0.0"), (None, "–")])
def test_signed(value: float | None, text: str) -> None:
    assert signed(value) == text


def test_mean_std_of_nothing_one_and_many() -> None:
    assert mean_std(None) == "–"
    assert mean_std(cell(50.0, expected=1)) == "50.0"
    assert mean_std(cell(-1.0, 1.0)) == "0.0 ± 1.4"


def test_targets_follow_the_paper_only_if_they_are_the_papers() -> None:
    study = invented_study(seeds=(11,), items=20)
    assert targets_of(study) == ["cb", "cola", "stsb", "conll04"]
    foreign = study.cells.replace({"target": {"cb": "my_task"}})
    assert targets_of(replace(study, targets=("my_task", *TARGETS[1:]), cells=foreign))[0] == "my_task"


def test_csv_files_have_the_promised_columns() -> None:
    study = invented_study(seeds=(11, 12), items=20)
    scores, similarity = scores_csv(study), similarity_csv(study)
    assert list(scores.columns) == (
        [
            "backbone",
            "method",
            "sources",
            "target",
            "seed",
            "score",
            "score_last",
            "score_first_epoch",
            "measure",
            "key",
        ]
    )
    assert list(similarity.columns) == ["backbone", "metric", "source", "target", "similarity", "n", "std"]
    assert len(scores) == len(study.cells)
    assert len(similarity) == 3 * len(SOURCES) * len(TARGETS)
    row = similarity.iloc[0]
    same = study.similarity.query(f"metric == {row.metric!r} and source == {row.source!r} and target == {row.target!r}")
    assert row.similarity == pytest.approx(same.similarity.mean())
    assert row["std"] == pytest.approx(same.similarity.std())
    assert row.n == 2


def test_cells_that_share_a_unit_share_its_score() -> None:
    study = invented_study(seeds=(11,), items=20)
    twin = study.cells[study.cells["method"] == "pot"].assign(method="pot again")
    scores = study.scores[study.scores["method"] == "pot"].assign(method="pot again")
    doubled = replace(study, cells=pd.concat([study.cells, twin]), scores=pd.concat([study.scores, scores]))
    grid = grid_of(doubled, "bert-tiny")
    assert grid["pot again", "rte", "cb"].by_seed == grid["pot", "rte", "cb"].by_seed


def test_interval_of_a_row_holds_its_gain() -> None:
    analysis = analyse(invented_study(items=40), "bert-tiny", replicates=100)
    rows = analysis.table.rows_of("source")
    assert len(rows) == 2 * len(SOURCES)
    for row in rows:
        assert row.interval is not None
        assert row.interval.estimate == pytest.approx(row.gain)
        assert row.interval.low < row.interval.estimate < row.interval.high


def test_each_other_method_without_a_source_has_one_row_that_is_compared_with_prompt_tuning() -> None:
    study = invented_study(items=40)
    labels = {"tuned": "model_tuning", "zeros": "prompt_tuning"}
    grown = {
        name: pd.concat([frame, *(_from_rte(frame, label) for label in labels)])
        for name, frame in (("cells", study.cells), ("scores", study.scores))
    }
    analysis = analyse(replace(study, methods=study.methods | labels, **grown), "bert-tiny", replicates=100)
    rows = analysis.table.rows_of("alone")
    (like,) = [row for row in analysis.table.rows_of("source") if (row.method, row.title) == ("panda", "rte")]
    assert [row.method for row in analysis.table.rows] == [
        "prompt_tuning",
        *labels,
        *(row.method for row in analyse(study, "bert-tiny", replicates=20).table.rows[1:]),
    ]
    for row in rows:
        assert row.title == ""
        assert (row.average, row.gain, row.interval) == (like.average, like.gain, like.interval)
        assert row.gain_over_pot is None, "PoT has no such row"
    assert [gain.method for gain in analysis.gains] == ["pot", "panda"], "no transfers, no gains of transfers"


def _from_rte(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    """The cells of PanDa from RTE as those of a method without a source."""
    return frame[(frame["method"] == "panda") & (frame["sources"] == "rte")].assign(method=label, sources="")


def test_lists_of_sources_have_rows_of_their_own_and_no_part_in_the_rows_of_one_source(tmp_path: Path) -> None:
    study = fused_study()
    plain, analysis = (analyse(each, "bert-tiny", replicates=100) for each in (invented_study(items=40), study))
    rows = analysis.table.rows_of("sources")
    assert [(row.method, row.title) for row in rows] == [("fusion", text) for text in FUSED]
    alike = [row for row in analysis.table.rows_of("source") if row.method == "panda" and row.title in ("cb", "rte")]
    for row in rows:
        (single,) = [each for each in alike if each.title == row.title.split("+")[0]]
        assert row.average is not None
        assert row.average.mean == pytest.approx(single.average.mean if single.average else None)
        assert row.gain == pytest.approx(single.gain)
        assert row.interval is not None
        assert row.gain_over_pot is None, "PoT has no such row"
    for shown in ("baseline", "source", "oracle", "top3"):
        assert analysis.table.rows_of(shown) == plain.table.rows_of(shown)
    assert analysis.single_sources == plain.single_sources
    assert analysis.qualities == plain.qualities
    assert analysis.over_pot == plain.over_pot
    assert [gain.method for gain in analysis.gains] == ["pot", "panda", "fusion"]
    assert {each.sources for each in analysis.gains[2].transfers} == set(FUSED)
    assert "| fusion | cb+cola+stsb |" in markdown(analysis.table)
    assert "one training from several sources" in markdown(analysis.table)
    assert "one training from several sources" not in markdown(plain.table)


def test_a_report_of_lists_of_sources_alone_has_no_row_of_one_source(tmp_path: Path) -> None:
    study = fused_study(items=20)
    kept = {
        name: frame[~frame["method"].isin(["pot", "panda"])]
        for name, frame in (("cells", study.cells), ("scores", study.scores))
    }
    alone = replace(study, methods={"prompt_tuning": "prompt_tuning", "fusion": "panda_fusion"}, **kept)
    report = write_report(alone, tmp_path, replicates=20)
    assert {row.shows for row in analyse(alone, "bert-tiny", replicates=20).table.rows} == {"baseline", "sources"}
    names = {path.name for path in report.paths}
    assert not {name for name in names if name.startswith("gain")}
    assert "methods_bert-tiny.svg" in names
    assert "similarity_e_avg_bert-tiny.svg" in names, "of the tasks one by one"
    assert "rte+mrpc" in report.paths[0].read_text(encoding="utf-8")


def test_findings_are_the_numbers_of_the_analysis() -> None:
    study = without_cell(invented_study(items=40), "panda", "cola", "cb")
    analysis = analyse(study, "bert-tiny", replicates=100)
    text = "\n".join(findings(study, [analysis]))
    pot, panda = analysis.gains
    assert f"pot against prompt tuning: {signed(pot.mean)} points on average over 24 transfers and 3 seeds" in text
    assert f"panda against prompt tuning: {signed(panda.mean)} points on average over 23 transfers" in text
    assert "3 of 156 cells have no result in MLflow yet." in text
    assert "1 unit failed" in text
    assert "Left out: conll05" in text
    assert "constant" not in text


def test_study_without_any_score_yet(tmp_path: Path) -> None:
    study = invented_study(seeds=(11,), items=20)
    report = write_report(replace(study, scores=study.scores.iloc[:0], examples={}), tmp_path, replicates=10)
    assert "52 of 52 cells have no result in MLflow yet." in report.headline
    nothing = replace(study, scores=study.scores.iloc[:0], similarity=study.similarity.iloc[:0], examples={})
    assert write_report(nothing, tmp_path, replicates=10).headline == ("52 of 52 cells have no result in MLflow yet.",)


def test_study_of_prompts_and_their_similarities_alone(tmp_path: Path) -> None:
    study = invented_study(seeds=(11,), items=20)
    plain = replace(
        study,
        methods={"prompt_tuning": "prompt_tuning"},
        cells=study.cells[study.cells["method"] == "prompt_tuning"],
        scores=study.scores[study.scores["method"] == "prompt_tuning"],
    )
    names = {path.name for path in write_report(plain, tmp_path, replicates=10).paths}
    assert "similarity_e_avg_bert-tiny.svg" in names
    assert "gain_bert-tiny.svg" not in names


def test_study_without_prompt_tuning_or_pot_still_has_a_table() -> None:
    study = invented_study(seeds=(11,), items=20)
    only = replace(
        study,
        methods={"panda": "panda"},
        cells=study.cells[study.cells["method"] == "panda"],
        scores=study.scores[study.scores["method"] == "panda"],
    )
    analysis = analyse(only, "bert-tiny")
    assert analysis.gains == ()
    assert analysis.over_pot is None
    assert [row.shows for row in analysis.table.rows][:1] == ["source"]
    assert findings(only, [analysis])
