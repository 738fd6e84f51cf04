"""A sweep names a tuned file by its path; what is wrong with that is said with its own lines, and it travels along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import Tuned
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.tuned_file import tuned_text
from panda_ray.usecases.remote.submit import sweep_file

SWEEP = """\
name: small
storage: store
backbones: [builtin-tiny]
sources: [review, kinds]
targets: [remark]
methods: [prompt_tuning, {method: panda, label: released, options: {preset: official_code}}, panda]
hyperparameters: tuned.yaml
"""
GOOD = """\
# Chosen by the search `my-search`.
format: 1
chosen:
  - {backbone: builtin-tiny, method: prompt_tuning, task: remark, training: {lr: 7e-3, dropout: 0.3}}
  - backbone: builtin-tiny
    method: panda
    sources: [review]
    task: remark
    training: {lr: 0.02}
    options: {kd_weight: 0.2}
    measured: {search: my-search, protocol: honest, score: 81.2, sd: 1.3, seeds: 3, trials: 45}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sweep file and a tuned file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SWEEP)
    (tmp_path / "tuned.yaml").write_text(GOOD)
    return tmp_path


def problems(*overrides: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        load_sweep("x.yaml", overrides)
    return str(raised.value).splitlines()


def test_a_tuned_file_is_read_into_its_sweep(folder: Path) -> None:
    tuned = load_sweep("x.yaml").hyperparameters
    assert tuned is not None
    first, second = tuned.chosen
    assert (first.task, first.training.lr, first.training.dropout, first.sources) == ("remark", 7e-3, 0.3, None)
    assert (second.sources, second.options, second.training.batch_size) == (["review"], {"kd_weight": 0.2}, None)
    assert second.measured is not None
    assert second.measured.trials == 45


def test_the_path_starts_at_the_working_directory_or_at_home_and_may_be_set_or_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "x.yaml").write_text(SWEEP)
    assert load_sweep("sweeps/x.yaml") == load_sweep("x.yaml")
    monkeypatch.setenv("HOME", str(folder))
    assert load_sweep("x.yaml", ["hyperparameters=~/tuned.yaml"]) == load_sweep("x.yaml")
    assert load_sweep("x.yaml", ["hyperparameters=~"]).hyperparameters is None


@pytest.mark.parametrize(
    ("line", "replacement", "said"),
    [
        ("format: 1", "format: 2", "tuned.yaml:2: format: must be 1, not 2"),
        ("format: 1\n", "", "tuned.yaml: the key 'format' is missing"),
        ("chosen:", "choosen: []\nchosen:", "tuned.yaml:3: unknown key 'choosen'; did you mean 'chosen'?"),
        ("dropout: 0.3", "dropot: 0.3", "tuned.yaml:4: unknown key 'dropot'; did you mean 'dropout'?"),
        ("dropout: 0.3", "prompt_len: 3", "tuned.yaml:4: unknown key 'prompt_len'"),
        ("lr: 7e-3", "lr: -1", "tuned.yaml:4: chosen.0.training.lr: must be greater than 0, not -1"),
        ("lr: 7e-3", "lr: 1e999", "tuned.yaml:4: chosen.0.training.lr: must be a finite number, not inf"),
        (
            "lr: 7e-3",
            "initialization: zeros, initialization_scale: 2",
            "tuned.yaml:4: chosen.0.training.initialization_scale: has no effect with the initialization 'zeros'",
        ),
        ("    task: remark\n", "", "tuned.yaml:5: the key 'chosen.1.task' is missing"),
        ("    task: remark", "    task: remrk", "tuned.yaml:8: unknown task 'remrk'; did you mean 'remark'?"),
        ("[review]", "[revew]", "tuned.yaml:7: unknown task 'revew'; did you mean 'review'?"),
        ("[review]", "[review, kinds]", "tuned.yaml:7: chosen.1.sources: panda takes one source"),
        ("[review]", "[review, review]", "tuned.yaml:7: chosen.1.sources.1: the source 'review' is listed twice"),
        ("[review]", "[]", "tuned.yaml:7: chosen.1.sources: must not be empty"),
        ("method: prompt_tuning", "method: prompt_tuning, sources: [kinds]", "tuned.yaml:4: chosen.0.sources: prompt_"),
        ("method: panda", "method: teacher", "tuned.yaml:6: unknown method 'teacher'"),
        ("method: panda", "method: pand", "tuned.yaml:6: unknown method 'pand'; did you mean 'panda'?"),
        (
            "method: panda",
            "method: panda\n    label: pot",
            "tuned.yaml:7: the label 'pot' is the name of another method",
        ),
        ("- backbone: builtin-tiny", "- backbone: bert-bas", "tuned.yaml:5: unknown backbone 'bert-bas'; did you mean"),
        ("kd_weight: 0.2", "kd_weigth: 0.2", "tuned.yaml:10: unknown key 'kd_weigth'; did you mean 'kd_weight'?"),
        ("kd_weight: 0.2", "kd_weight: -1", "tuned.yaml:10: chosen.1.options.kd_weight: must be at least 0, not -1"),
        ("kd_weight: 0.2", "metric: onn", "tuned.yaml:10: unknown metric 'onn'; did you mean 'on'?"),
        ("sd: 1.3", "sd: -1", "tuned.yaml:11: chosen.1.measured.sd: must be at least 0, not -1"),
        (
            "method: panda",
            "method: panda\n    label: released",
            "tuned.yaml:11: chosen.1.options.kd_weight: has no effect under the preset 'official_code', with what the "
            "sweep file has under methods.1.options",
        ),
        (
            "  - backbone: builtin-tiny",
            "  - {backbone: builtin-tiny, method: prompt_tuning, task: remark}\n  - backbone: builtin-tiny",
            "tuned.yaml:5: chosen.1: the choice for 'prompt_tuning remark on builtin-tiny' is listed twice",
        ),
        ("format: 1", "format: &a 1", "tuned.yaml:2: cannot be read: anchors and aliases are not supported"),
    ],
)
def test_one_problem(folder: Path, line: str, replacement: str, said: str) -> None:
    assert line in GOOD
    (folder / "tuned.yaml").write_text(GOOD.replace(line, replacement, 1))
    (sentence,) = problems()
    assert sentence.startswith(said)


@pytest.mark.parametrize("text", ["", "- a\n", "just text"])
def test_not_a_mapping(folder: Path, text: str) -> None:
    (folder / "tuned.yaml").write_text(text)
    assert problems() == ["tuned.yaml: a tuned file is a mapping, beginning with `format: 1`"]


def test_a_tuned_file_that_is_not_there_is_named_with_the_line_that_asks_for_it_and_the_nearest(folder: Path) -> None:
    (folder / "x.yaml").write_text(SWEEP.replace("tuned.yaml", "tunde.yaml"))
    assert problems() == ["x.yaml:7: no tuned file 'tunde.yaml'; did you mean 'tuned.yaml'?"]
    assert problems("hyperparameters=nowhere") == ["--set hyperparameters=nowhere: no tuned file 'nowhere'"]
    assert problems("hyperparameters=.") == ["--set hyperparameters=.: . is a folder; give a tuned file"]
    (sentence,) = problems("hyperparameters=7")
    assert sentence == "--set hyperparameters=7: hyperparameters: must be a section with keys, not 7"


def test_a_tuned_file_of_more_than_half_a_sweep_file_is_refused(folder: Path) -> None:
    (folder / "tuned.yaml").write_text(GOOD + "#" * (1 << 19))
    assert problems() == ["x.yaml:7: tuned.yaml: more than 512 KiB; that is no tuned file"]


def test_a_shipped_sweep_carries_its_tuned_file_and_trains_the_same_units(folder: Path) -> None:
    """A default that the sweep leaves to the tuned file must not come back as a setting."""
    sweep = load_sweep("x.yaml")
    (folder / "sweep.json").write_bytes(sweep_file(sweep))
    for gone in ("tuned.yaml", "x.yaml"):
        (folder / gone).unlink()
    shipped = load_sweep("sweep.json", runs_here=False)
    plans = [build_plan(each, Store("store")) for each in (sweep, shipped)]
    assert list(plans[0].units) == list(plans[1].units)
    dropouts = {unit.config.dropout for unit in plans[1].units.values() if unit.config is not None}
    assert dropouts == {0.1, 0.3}
    assert shipped == sweep


def test_the_largest_tuned_file_can_be_shipped(folder: Path) -> None:
    entry = "  - {backbone: bert-tiny, method: panda, sources: [mnli], task: cb, training: {lr: 0.1}, label: l000000}\n"
    read = {"backbone": "bert-tiny", "method": "panda", "sources": ["mnli"], "task": "cb", "training": {"lr": 0.1}}
    chosen = [{**read, "label": f"l{number:06d}"} for number in range((1 << 19) // len(entry))]
    plain = load_sweep("x.yaml", ["hyperparameters=~"]).model_dump(mode="json")
    content = sweep_file(Sweep.model_validate({**plain, "hyperparameters": {"format": 1, "chosen": chosen}}))
    assert 1 << 19 < len(content) < 1 << 20
    assert json.loads(content)["training"]["max_len"] == 128


def test_what_is_written_is_read_back(folder: Path) -> None:
    odd = ["on", "null", "True", "1", "1e3", "a b", "x: y", "#", "", 'say "no"', "ü", "- a", "[", "0.5"]
    options = {"metric": {"metric": "e_avg", "options": {}}, "clamp": True, "kd_weight": 1e-5}
    chosen = [
        {"backbone": "builtin-tiny", "method": "panda", "sources": ["review"], "task": "remark", "options": options},
        *(
            {
                "backbone": "builtin-tiny",
                "method": "pot",
                "label": f"l{text}",
                "task": "remark",
                "training": {"lr": 0.1},
            }
            | {"measured": {"search": text, "score": 81.25, "seeds": 3}}
            for text in odd
        ),
    ]
    tuned = Tuned.model_validate({"format": 1, "chosen": chosen})
    (folder / "tuned.yaml").write_text(tuned_text(tuned, ["of a search\nformat: 2", "ü"]))
    assert load_sweep("x.yaml").hyperparameters == tuned
    lines = (folder / "tuned.yaml").read_text().splitlines()
    assert lines[:4] == ["# of a search format: 2", "# ü", "format: 1", "chosen:"]
    assert lines[4:9] == [
        "  - backbone: builtin-tiny",
        "    method: panda",
        "    sources: [review]",
        "    task: remark",
        "    options: {metric: {metric: e_avg, options: {}}, clamp: true, kd_weight: 1e-05}",
    ]


def test_a_file_without_choices_is_read_back(folder: Path) -> None:
    (folder / "tuned.yaml").write_text(tuned_text(Tuned(format=1, chosen=[]), []))
    tuned = load_sweep("x.yaml").hyperparameters
    assert tuned is not None
    assert tuned.chosen == []
