"""What MLflow's page of an experiment is told: views that answer questions, and a note that leads to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.writing.experiment_page import NOTE, VIEW, Question, page_tags
from support.sweeps.tracked import make_sweep


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    storage = tmp_path_factory.mktemp("page")
    return build_plan(make_sweep(Path(storage)), Store(str(storage)))


def tags_of(plan: Plan, scores: Mapping[str, float] | None = None) -> dict[str, str]:
    return page_tags(plan, "7", {"builtin-tiny": "abc"}, 3, scores or {}, "running")


def test_the_page_is_of_model_training_and_names_the_score(plan: Plan) -> None:
    tags = tags_of(plan)
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.experiment.primaryMetric.name"] == "score"


def test_each_method_with_sources_has_a_view_per_target_that_the_note_links(plan: Plan) -> None:
    tags = tags_of(plan)
    views = {name.removeprefix(VIEW): json.loads(value) for name, value in tags.items() if name.startswith(VIEW)}
    asked = [Question("builtin-tiny", method, target) for method in ("pot", "PanDa <b>") for target in TARGETS]
    assert views.keys() == {question.view for question in asked}
    for question in asked:
        view = views[question.view]
        assert view["searchFilter"] == (
            f"tags.role = 'cell' AND tags.backbone = 'builtin-tiny' AND tags.method = '{question.method}' "
            f"AND tags.target = '{question.target}'"
        )
        assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`score`", False)
        assert view["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "sources"}]
        assert f"#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey={question.view})" in tags[NOTE]


def test_the_note_says_how_the_sweep_stands_where_its_report_is_and_shows_no_label_as_markup(plan: Plan) -> None:
    note = tags_of(plan)[NOTE]
    assert note.startswith(f"**running**: 3 of {len(plan.units)} units.")
    assert "[builtin-tiny](#/experiments/7/runs/abc/artifacts/report/report.html?workflowType=machine_learning)" in note
    assert "PanDa &lt;b&gt;" in note
    assert "<b>" not in note


def test_a_link_says_the_source_with_the_best_mean_over_the_seeds_that_are_done(plan: Plan) -> None:
    given = {("review", 11): 60.0, ("review", 12): 90.0, ("follows", 11): 80.0}
    scores = {
        cell.key: given[cell.sources[0], cell.seed]
        for cell in plan.cells
        if (cell.method, cell.target) == ("pot", "remark") and (cell.sources[0], cell.seed) in given
    }
    rows = [line for line in tags_of(plan, scores)[NOTE].splitlines() if line.startswith("|")]
    assert rows[0] == "| target | pot | PanDa &lt;b&gt; |"
    remark = rows[2].split(" | ")
    assert remark[0] == "| remark"
    assert remark[1].startswith("[follows 80.0](#"), "review has the best run, but a mean of 75"
    assert remark[2].startswith("[none yet](#")


def test_a_large_note_ends_within_what_mlflow_takes_and_its_views_are_those_that_it_links(plan: Plan) -> None:
    pot = [cell for cell in plan.cells if cell.method == "pot"]
    many = tuple(replace(cell, target=f"task{index}") for index in range(300) for cell in pot[:1])
    tags = tags_of(replace(plan, cells=many))
    assert 15_000 < len(tags[NOTE]) <= 20_000
    views = {name.removeprefix(VIEW) for name in tags if name.startswith(VIEW)}
    assert 150 < len(views) < 300
    assert all(f"viewStateShareKey={view})" in tags[NOTE] for view in views)
    assert f"{300 - len(views)} more do not fit" in tags[NOTE]


@pytest.mark.parametrize(
    ("label", "quoted"), [("PanDa's", '"PanDa\'s"'), ('"PanDa"', "'\"PanDa\"'"), ("both ' and \"", None)]
)
def test_a_label_with_quotes_is_quoted_by_the_others_or_has_no_view(label: str, quoted: str | None) -> None:
    found = Question("b", label, "t").filter
    assert found is None if quoted is None else f"tags.method = {quoted} AND" in str(found)


TARGETS = ("remark", "choice")
