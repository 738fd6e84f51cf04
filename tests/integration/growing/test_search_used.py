"""What a search chose is reported, exported and used: from MLflow alone, and without training anything again."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.tuned_file import tuned_text
from panda_ray.tracking.reading.read_progress import read_progress
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.searching.chosen import choices_of
from panda_ray.usecases.searching.searches import dashboard_command
from panda_ray.usecases.track import track_sweep
from support.sweeps.searches import small_search

SEARCH = """\
name: searched
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning, {method: panda, label: ours, options: {teacher: source, metric: constant}}]
metrics: [e_avg]
seeds: [1, 2]
training: {epochs: 1, prompt_len: 4, batch_size: 16, dropout: 0}
tasks: {review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_train_rows: 32, max_dev_rows: 24}}
search:
  space: {lr: [0.003, 0.03, 0.1]}
  sampler: grid
tracking: {system_metrics: true}
"""
GRID = """\
name: grid
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning, {method: panda, label: ours}]
seeds: [1, 2]
hyperparameters: tuned.yaml
training: {prompt_len: 4, dropout: 0}
tasks:
  review: {max_train_rows: 32, max_dev_rows: 16, epochs: 1, batch_size: 16}
  remark: {max_train_rows: 32, max_dev_rows: 24}
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep]:
    """The folder of a finished search, and its sweep."""
    folder = tmp_path_factory.mktemp("searched")
    text = SEARCH.replace("storage: store", f"storage: {folder / 'store'}")
    (folder / "search.yaml").write_text(text)
    sweep = load_sweep(str(folder / "search.yaml"))
    run = run_sweep(sweep, InlineRunner())
    assert run.summary.complete, run
    return folder, sweep


def test_a_grid_that_uses_what_was_exported_finds_every_cell_done(searched: tuple[Path, Sweep]) -> None:
    folder, sweep = searched
    choices = choices_of(sweep)
    (folder / "tuned.yaml").write_text(tuned_text(choices.tuned, choices.comments))
    text = GRID.replace("storage: store", f"storage: {folder / 'store'}")
    (folder / "grid.yaml").write_text(text.replace("tuned.yaml", str(folder / "tuned.yaml")))
    store = Store(sweep.storage)
    plan = build_plan(load_sweep(str(folder / "grid.yaml")), store)
    cells = {cell.method for cell in plan.cells if cell.key in plan.done}
    assert cells == {"prompt_tuning", "ours"}
    assert all(cell.key in plan.done for cell in plan.cells)
    scores = {}
    for cell in plan.cells:
        scores.setdefault(cell.method, []).append(store.known(cell.key)["score"])
    for chosen in choices.tuned.chosen:
        assert chosen.measured is not None
        assert chosen.measured.score == pytest.approx(sum(scores[chosen.title]) / 2, abs=0.006)
        assert (chosen.measured.seeds, chosen.measured.trials, chosen.measured.search) == (2, 3, "searched")


def test_an_export_says_all_that_the_search_said_of_the_training_and_how_it_chose(searched: tuple[Path, Sweep]) -> None:
    _, sweep = searched
    choices = choices_of(sweep)
    plain, ours = choices.tuned.chosen
    assert (plain.method, plain.label, plain.sources, plain.options) == ("prompt_tuning", None, None, {})
    assert (ours.method, ours.label, ours.sources) == ("panda", "ours", ["review"])
    assert ours.options == {"teacher": "source", "metric": "constant"}
    for chosen in (plain, ours):
        assert chosen.training.lr in (0.003, 0.03, 0.1)
        assert (chosen.training.epochs, chosen.training.batch_size, chosen.training.dropout) == (1, 16, 0.0)
        assert (chosen.training.weight_decay, chosen.training.schedule) == (None, None)
    assert choices.comments == (
        "Chosen by the search searched.",
        "Points were compared by the score that is reported (protocol paper): the scores are optimistic.",
    )


def test_each_stack_has_a_run_with_what_its_machine_did_that_its_units_name(searched: tuple[Path, Sweep]) -> None:
    _, sweep = searched
    client = connect(tracking_uri_of(sweep.storage, sweep.tracking_uri))
    experiment = client.get_experiment_by_name("searched")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    stacks = {run.data.tags["stack"]: run for run in runs if run.data.tags["product"] == "stack"}
    trained = {run.data.tags["stack"] for run in runs if run.data.tags["product"] == "prompt"}
    embedded = {run.data.tags["stack"] for run in runs if run.data.tags["product"] == "embedding"}
    assert trained
    assert embedded
    assert stacks.keys() == trained | embedded
    for run in stacks.values():
        assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= run.data.metrics.keys()


def test_mlflow_has_every_point_and_a_report_draws_them(searched: tuple[Path, Sweep]) -> None:
    folder, sweep = searched
    study = read_study(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep.name, sweep)
    assert study.searched is not None
    found = {each.standing.address.method: each.standing for each in study.searched.studies}
    assert found.keys() == {"prompt_tuning", "ours"}
    assert all(len(standing.trials) == 3 and standing.complete for standing in found.values())
    report = folder / "store" / "reports" / "searched"
    assert {path.name for path in report.glob("search_*.svg")} == {
        "search_prompt_tuning_remark_builtin-tiny.svg",
        "search_ours_review_remark_builtin-tiny.svg",
    }


def test_mlflow_filters_the_runs_of_a_study_with_their_hyper_parameters(searched: tuple[Path, Sweep]) -> None:
    _, sweep = searched
    client = connect(tracking_uri_of(sweep.storage, sweep.tracking_uri))
    (experiment,) = client.search_experiments(filter_string="name = 'searched'")
    for study in ("builtin-tiny prompt_tuning remark", "builtin-tiny ours review -> remark"):
        runs = client.search_runs([experiment.experiment_id], f"tags.study = '{study}'")
        points = [(run.data.params["config.lr"], run.data.tags["seed"]) for run in runs]
        assert sorted(points) == [(lr, seed) for lr in ("0.003", "0.03", "0.1") for seed in ("1", "2")]
        (summary,) = {run.data.tags["mlflow.parentRunId"] for run in runs}
        assert client.get_run(summary).data.tags["product"] == "summary"


def test_what_mlflow_has_of_a_search_is_made_anew_from_the_store_and_the_studies(searched: tuple[Path, Sweep]) -> None:
    _, sweep = searched
    before = choices_of(sweep)
    tracked = track_sweep(sweep, rebuild=True)
    assert tracked.tracker.message("track") is None
    assert choices_of(sweep) == before


def test_a_grid_has_chosen_nothing(searched: tuple[Path, Sweep]) -> None:
    _, sweep = searched
    with pytest.raises(InputError, match="sweep 'searched' has no section `search`"):
        choices_of(sweep.model_copy(update={"search": None}))


def test_the_command_of_the_dashboard_names_the_studies(searched: tuple[Path, Sweep]) -> None:
    folder, sweep = searched
    command = dashboard_command(sweep)
    assert command is not None
    assert command.startswith("optuna-dashboard ")
    assert str(folder / "store" / "search.db") in command
    assert dashboard_command(sweep.model_copy(update={"search": None})) is None


def test_a_search_with_a_diverged_point_is_finished_for_the_shell_and_for_mlflow(tmp_path: Path) -> None:
    space = {"space": {"lr": [1e-2, 1e38]}, "sampler": "grid"}
    sweep = small_search(tmp_path / "store", space, training={"epochs": 1, "prompt_len": 4, "batch_size": 16})
    uri = tracking_uri_of(sweep.storage, None)
    run = run_sweep(sweep, InlineRunner())
    assert (len(run.summary.failed), run.complete, read_progress(uri, sweep.name).state) == (1, True, "finished")
    track_sweep(sweep, rebuild=True)
    assert read_progress(uri, sweep.name).state == "finished"


def test_a_search_without_a_point_that_can_be_trained_has_failed(tmp_path: Path) -> None:
    space = {"space": {"lr": [1e37, 1e38]}, "sampler": "grid"}
    sweep = small_search(tmp_path / "store", space, training={"epochs": 1, "prompt_len": 4, "batch_size": 16})
    run = run_sweep(sweep, InlineRunner())
    assert (run.complete, read_progress(tracking_uri_of(sweep.storage, None), sweep.name).state) == (False, "failed")
