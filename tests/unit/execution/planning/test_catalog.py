"""What a catalog says of backbones and rows that are not on this disk, for a run and for planning ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.sweep import Sweep


def sweep_of(tmp_path: Path, **sections: Any) -> Sweep:
    """Two tasks whose rows are here, and between them one that is for its user to bring."""
    minimal = {
        "name": "catalog",
        "storage": str(tmp_path / "store"),
        "backbones": ["builtin-tiny"],
        "sources": ["review", "conll05"],
        "targets": ["remark"],
        "methods": ["pot"],
        "tasks": {"review": {"max_train_rows": 40}, "conll05": {"max_train_rows": 50}},
    }
    return Sweep.model_validate(minimal | sections)


def test_a_task_without_rows_is_skipped_by_a_run_and_nominal_ahead_of_it(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    run, ahead = read_catalog(sweep), read_catalog(sweep, download=False)
    assert (list(run.data), list(run.extents)) == (["review", "remark"],) * 2
    assert [task for task, _ in run.skipped] == ["conll05"]
    assert (run.nominal_tasks, run.nominal_backbones) == ((), ())
    assert (list(ahead.data), list(ahead.extents)) == (["review", "conll05", "remark"],) * 2
    assert (ahead.skipped, ahead.nominal_tasks, ahead.nominal_backbones) == ((), ("conll05",), ())
    assert ahead.extents["conll05"].train_rows == 50, "no more than the sweep wants"
    assert ahead.backbones == run.backbones
    for task in ("review", "remark"):
        assert (ahead.data[task], ahead.extents[task]) == (run.data[task], run.extents[task])


def test_a_backbone_that_cannot_be_looked_up_is_nominal_ahead_of_a_run_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    sweep = sweep_of(tmp_path, backbones=["bert-base", "bert-base-cased"])
    assert read_catalog(sweep, download=False).nominal_backbones == ("bert-base-cased",)
    with pytest.raises(InputError, match="bert-base-cased"):
        read_catalog(sweep)


@pytest.mark.parametrize("download", [True, False])
def test_a_local_backbone_with_damaged_weights_is_refused(download: bool, tmp_path: Path) -> None:
    config = {"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2}
    (tmp_path / "config.json").write_text(
        json.dumps(config | {"intermediate_size": 16, "max_position_embeddings": 150})
    )
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    sweep = sweep_of(tmp_path, backbones=[{"name": "own", "path": str(tmp_path)}])
    with pytest.raises(InputError, match=r"model\.safetensors"):
        read_catalog(sweep, download=download)
