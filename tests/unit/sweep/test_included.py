"""A sweep file includes others: the sweep is what they say together, and what is wrong is said with its own file."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.included import MOST_FILES
from panda_ray.sweep_file.json_schema import sweep_schema
from panda_ray.sweep_file.yaml_source import parse_yaml
from panda_ray.usecases.remote.submit import sweep_file

WHOLE = """\
name: small
storage: store
backbones: [builtin-tiny]
sources: [review, kinds]
targets: [remark]
methods: [prompt_tuning, {method: panda, label: mine, options: {kd_weight: 1}}]
metrics: [on]
seeds: [11, 12]
training: {prompt_len: 8, dropout: 0, lr: 0.03}
tasks:
  remark: {epochs: 2, max_dev_rows: 50}
  kinds: {epochs: 3}
"""
"""What the files below say together."""

OWN = """\
include: [parts/common.yaml, parts/tasks.yaml]
name: small
sources: [review, kinds]
methods: [prompt_tuning, {method: panda, label: mine, options: {kd_weight: 1}}]
seeds: [11, 12]
training: {lr: 0.03}
"""
COMMON = """\
include: ../base.yaml
sources: [names, roles, follows]
methods: [pot]
training: {dropout: 0}
tasks: {remark: {epochs: 9, max_dev_rows: 50}}
"""
TASKS = """\
tasks:
  remark: {epochs: 2}
  kinds: {epochs: 3}
"""
BASE = """\
storage: store
backbones: [builtin-tiny]
targets: [remark]
metrics: [on]
seeds: [1, 2, 3]
training: {prompt_len: 8, dropout: 0.5, lr: 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory beside that of the files, `study`."""
    study = tmp_path / "study"
    (study / "parts").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name, text in (
        ("x.yaml", OWN),
        ("base.yaml", BASE),
        ("parts/common.yaml", COMMON),
        ("parts/tasks.yaml", TASKS),
    ):
        (study / name).write_text(text)
    return study


def problems(folder: Path, *overrides: str) -> list[str]:
    """What is said, without the folder."""
    with pytest.raises(InputError) as raised:
        load_sweep(str(folder / "x.yaml"), overrides)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def whole(folder: Path) -> Sweep:
    (folder / "whole.yaml").write_text(WHOLE)
    return load_sweep(str(folder / "whole.yaml"))


def test_mappings_are_merged_and_the_nearer_file_is_right_about_all_else(folder: Path) -> None:
    assert load_sweep(str(folder / "x.yaml")).model_dump() == whole(folder).model_dump()


def test_a_later_file_of_the_list_is_right_before_an_earlier_one(folder: Path) -> None:
    (folder / "x.yaml").write_text(OWN.replace("common.yaml, parts/tasks.yaml", "tasks.yaml, parts/common.yaml"))
    assert load_sweep(str(folder / "x.yaml")).tasks["remark"].epochs == 9


def test_set_is_right_before_every_file(folder: Path) -> None:
    sets = ["tasks.remark.epochs=7", "training.dropout=0.2", "metrics=[e_avg]", "sources.0=names"]
    sweep = load_sweep(str(folder / "x.yaml"), sets)
    assert (sweep.tasks["remark"].epochs, sweep.tasks["remark"].max_dev_rows) == (7, 50)
    assert (sweep.training.dropout, sweep.training.lr, sweep.training.prompt_len) == (0.2, 0.03, 8)
    assert ([metric.metric for metric in sweep.metrics], sweep.sources) == (["e_avg"], ["names", "kinds"])


def test_keys_of_units_are_of_what_is_said_and_not_of_how_it_is_divided(folder: Path) -> None:
    divided, undivided = load_sweep(str(folder / "x.yaml")), whole(folder)
    plans = [build_plan(sweep, Store(sweep.storage)) for sweep in (divided, undivided)]
    assert len(plans[0].units) > 10
    assert list(plans[0].units) == list(plans[1].units)
    assert plans[0].cells == plans[1].cells


def test_what_is_submitted_says_all_itself(folder: Path) -> None:
    sent = sweep_file(load_sweep(str(folder / "x.yaml")))
    assert "include" not in json.loads(sent)
    Path("sent.json").write_bytes(sent)
    assert load_sweep("sent.json") == load_sweep(str(folder / "x.yaml"))


def test_a_sweep_of_the_package_is_included_by_its_name_unless_a_file_has_it(folder: Path) -> None:
    (folder / "x.yaml").write_text("include: quickstart\nname: mine\nseeds: [5]\n")
    shipped = load_sweep("quickstart")
    assert load_sweep(str(folder / "x.yaml")) == shipped.model_copy(update={"name": "mine", "seeds": [5]})
    (folder / "quickstart").write_text(WHOLE)
    assert load_sweep(str(folder / "x.yaml")).sources == ["review", "kinds"]


@pytest.mark.parametrize(
    ("file", "line", "replacement", "said"),
    [
        ("x.yaml", "parts/common.yaml", "parts/comon.yaml", "x.yaml:1: no file to include 'parts/comon.yaml'; did you"),
        ("x.yaml", "parts/tasks.yaml]", "parts]", "x.yaml:1: parts is a folder; give a file to include"),
        (
            "parts/common.yaml",
            "../base.yaml",
            "base.yaml",
            "parts/common.yaml:1: no file to include 'parts/base.yaml'",
        ),
        (
            "base.yaml",
            "storage: store",
            "storage: store\ninclude: parts/common.yaml",
            "base.yaml:2: include: a file that includes itself: x.yaml -> parts/common.yaml -> base.yaml -> parts",
        ),
        ("x.yaml", "parts/tasks.yaml", "x.yaml", "x.yaml:1: include: a file that includes itself: x.yaml -> x.yaml"),
        ("x.yaml", "[parts/common.yaml, parts/tasks.yaml]", "7", "x.yaml:1: include: must be a file or a list of"),
        ("x.yaml", "[parts/common.yaml, parts/tasks.yaml]", "~", "x.yaml:1: include: must be a file or a list of"),
        ("x.yaml", "parts/tasks.yaml]", "{}]", "x.yaml:1: include: must be a file or a list of files, not ["),
        ("x.yaml", "parts/tasks.yaml]", '""]', "x.yaml:1: include: must be a file or a list of files, not ["),
        ("x.yaml", "include:", "inclde:", "x.yaml:1: unknown key 'inclde'; did you mean 'include'?"),
        ("x.yaml", "training: {", "training: {include: a, ", "x.yaml:6: unknown key 'include'"),
        ("base.yaml", "metrics:", "metrcs:", "base.yaml:4: unknown key 'metrcs'; did you mean 'metrics'?"),
        ("base.yaml", "prompt_len: 8", "prompt_len: 0", "base.yaml:6: training.prompt_len: must be at least"),
        ("parts/tasks.yaml", "epochs: 3", "epoch: 3", "parts/tasks.yaml:3: unknown key 'epoch'; did you mean"),
        ("parts/tasks.yaml", "  kinds:", "  kindz:", "parts/tasks.yaml:3: unknown task 'kindz'; did you mean 'kinds'?"),
        ("parts/tasks.yaml", TASKS, "- a\n", "parts/tasks.yaml: a file that is included is a mapping of keys to"),
        ("parts/tasks.yaml", "tasks:", "tasks: &a", "parts/tasks.yaml:1: cannot be read: anchors and aliases are not"),
        ("base.yaml", "storage: store\n", "", "x.yaml: the key 'storage' is missing"),
    ],
)
def test_one_problem_is_said_with_the_file_that_has_it(
    folder: Path, file: str, line: str, replacement: str, said: str
) -> None:
    text = (folder / file).read_text()
    assert line in text
    (folder / file).write_text(text.replace(line, replacement, 1))
    (sentence,) = [sentence for sentence in problems(folder) if replacement == "" or " is missing" not in sentence]
    assert sentence.startswith(said)


def test_problems_come_file_by_file(folder: Path) -> None:
    (folder / "parts" / "tasks.yaml").write_text(TASKS.replace("epochs: 3", "epoch: 3"))
    (folder / "base.yaml").write_text(BASE + "a: 1\nb: 2\n")
    places = [sentence.split(": ")[0] for sentence in problems(folder, "seeds=[]")]
    assert places == ["base.yaml:7", "base.yaml:8", "parts/tasks.yaml:3", "--set seeds=[]"]


def test_what_replaces_a_section_has_its_own_place(folder: Path) -> None:
    (folder / "x.yaml").write_text(OWN + "tasks: 7\n")
    assert problems(folder) == ["x.yaml:7: tasks: must be a section with keys, not 7"]
    (folder / "base.yaml").write_text(BASE.replace("[on]", "\n- metric: on"))
    (folder / "x.yaml").write_text(OWN + "metrics: [{label: mine}]\n")
    assert problems(folder) == ["x.yaml:7: the key 'metrics.0.metric' is missing"]


def test_include_is_not_set_from_outside(folder: Path) -> None:
    (sentence,) = problems(folder, "include=base.yaml")
    assert sentence.startswith("--set include=base.yaml: include stands in sweep files alone")


def test_the_first_file_too_many_is_named(folder: Path) -> None:
    for index in range(MOST_FILES + 1):
        (folder / f"{index}.yaml").write_text(f"include: {index + 1}.yaml\n")
    (folder / "x.yaml").write_text("include: 0.yaml\n")
    last = MOST_FILES
    assert problems(folder) == [
        f"{last - 1}.yaml:1: include: {last}.yaml is one more than the {MOST_FILES} files that a sweep may include"
    ]
    (folder / f"{last - 1}.yaml").write_text(WHOLE)
    assert load_sweep(str(folder / "x.yaml")) == whole(folder)


def test_the_schema_asks_nothing_of_a_file_that_includes_others_but_that_its_keys_are_right() -> None:
    validator = jsonschema.Draft202012Validator(sweep_schema())
    mine = {"include": ["a.yaml"], "name": "x", "targets": ["mine"], "tasks": {"mine": {"epochs": 3}}}
    assert validator.is_valid(mine)
    assert not validator.is_valid({key: value for key, value in mine.items() if key != "include"})
    assert not validator.is_valid(mine | {"seeds": []})
    assert not validator.is_valid(mine | {"include": 7})
    said, _ = parse_yaml(WHOLE, "here")
    assert validator.is_valid(said)
    for key in ("name", "storage", "backbones", "sources", "targets", "methods"):
        assert not validator.is_valid({other: value for other, value in said.items() if other != key})
