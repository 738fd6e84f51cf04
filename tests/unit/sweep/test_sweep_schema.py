"""The sweeps that ship with the project are valid, and the JSON schema that editors use says the same as the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import panda_ray
from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.json_schema import schema_text, sweep_schema
from panda_ray.sweep_file.shipped import shipped_sweeps
from panda_ray.sweep_file.yaml_source import parse_yaml
from panda_ray.tasks import PAPER_SOURCES, PAPER_TARGETS, get_task

SWEEPS = Path(panda_ray.__file__).parent / "sweeps"
FILES = sorted(path.relative_to(SWEEPS) for path in SWEEPS.rglob("*.yaml"))


def load(name: str | Path, *overrides: str) -> Any:
    return load_sweep(str(SWEEPS / name), overrides)


def read(name: str | Path) -> Any:
    """A file as data, by the scalars of YAML 1.2, in which `on` is text."""
    return parse_yaml((SWEEPS / name).read_text(), str(name))[0]


def test_committed_schema_is_in_step() -> None:
    assert (SWEEPS / "schema.json").read_text() == schema_text(), "run: panda-ray schema > panda_ray/sweeps/schema.json"


@pytest.mark.parametrize("name", [name for name in FILES if not name.name.startswith("_")], ids=str)
def test_shipped_sweeps_fit_the_schema(name: Path) -> None:
    text = (SWEEPS / name).read_text()
    jsonschema.Draft202012Validator(sweep_schema()).validate(read(name))
    reference = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (SWEEPS / name).parent.joinpath(reference).resolve() == SWEEPS / "schema.json"


@pytest.mark.parametrize("name", [name for name in FILES if name.name.startswith("_")], ids=str)
def test_what_shipped_sweeps_include_fits_the_schema_and_is_no_sweep(name: Path) -> None:
    jsonschema.Draft202012Validator(sweep_schema()).validate({"include": [], **read(name)})
    with pytest.raises(InputError, match="the key 'name' is missing"):
        load(name)
    assert name.with_suffix("").as_posix() not in shipped_sweeps()


@pytest.mark.parametrize(
    "change",
    [
        {"soruces": []},
        {"targets": ["cbb"]},
        {"sources": "papr"},
        {"methods": ["teacher"]},
        {"metrics": ["onn"]},
        {"seeds": []},
        {"backbones": ["builtin-tin"]},
        {"tasks": {"cbb": {"epochs": 3}}},
        {"training": {"dropout": 1}},
        {"self_pairs": "maybe"},
    ],
    ids=str,
)
def test_schema_rejects_what_the_loader_rejects(change: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(sweep_schema())
    good = read("quickstart.yaml")
    assert validator.is_valid(good)
    assert not validator.is_valid(good | change)


def test_schema_takes_a_name_for_which_the_file_gives_data() -> None:
    validator = jsonschema.Draft202012Validator(sweep_schema())
    mine = {"data": "my.csv", "kind": "regression", "text": "a", "label": "b"}
    good = read("quickstart.yaml") | {"targets": ["mine"], "tasks": {"mine": mine}}
    assert validator.is_valid(good)
    assert not validator.is_valid(good | {"tasks": {"mine": mine | {"kind": "translation"}}})


def test_schema_describes_its_keys() -> None:
    fields = json.loads(schema_text())["properties"]
    assert {"storage", "sources", "methods", "self_pairs"} <= {
        key for key, field in fields.items() if "description" in field
    }


@pytest.mark.parametrize("size", ["tiny", "small", "medium", "base", "large"])
def test_paper_sweeps_are_the_papers_grid(size: str) -> None:
    sweep = load(f"paper/bert_{size}.yaml")
    assert [section.name for section in sweep.backbones] == [f"bert-{size}"]
    assert (tuple(sweep.sources), tuple(sweep.targets)) == (PAPER_SOURCES, PAPER_TARGETS)
    assert len(sweep.sources) * len(sweep.targets) == 189
    assert (sweep.seeds, sweep.self_pairs, sweep.protocol) == ([11], "run", "paper")
    assert not sweep.tasks
    assert sweep.training == type(sweep.training)(precision="bf16"), "hyper-parameters are the tasks' own, from Table I"


def test_quickstart_is_what_it_promises() -> None:
    sweep = load("quickstart.yaml")
    assert [section.name for section in sweep.backbones] == ["builtin-tiny"]
    assert len(sweep.sources) >= 8
    assert len(sweep.targets) >= 4
    assert len({get_task(name).group for name in sweep.sources}) >= 3
    assert len(sweep.seeds) >= 2, "error bars need seeds"


def test_real_small_is_what_it_promises(tmp_path: Path) -> None:
    sweep = load("real_small.yaml", f"backbones.0.path={tmp_path}", f"data_root={tmp_path}")
    assert sweep.sources == ["rte", "mrpc", "stsb", "cola", "copa", "conll04", "squad"]
    assert sweep.targets == ["cb", "copa", "wsc", "stsb", "conll04"]
    assert sweep.tasks["squad"].max_train_rows is not None
