"""Sweeps that come with the package go by name, wherever one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.shipped import shipped_sweeps


def test_every_shipped_sweep_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"quickstart", "paper/bert_large"} <= set(shipped_sweeps())
    for name in ("quickstart", *(name for name in shipped_sweeps() if name.startswith("paper/"))):
        assert load_sweep(name) == load_sweep(str(shipped_sweeps()[name]))


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = shipped_sweeps()["quickstart"].read_text(encoding="utf-8")
    Path("quickstart").write_text(text.replace("name: quickstart", "name: mine"), encoding="utf-8")
    assert load_sweep("quickstart").name == "mine"


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no sweep file 'paper/bert_larg'; did you mean 'paper/bert_large'\?"):
        load_sweep("paper/bert_larg")
