"""A prompt that a backbone has no room for is refused when the sweep is planned, by config.json alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import RobertaConfig

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.sweep import Sweep

MILLION = 1_000_000


def sweep_of(tmp_path: Path, backbone: Any, **training: Any) -> Sweep:
    return Sweep.model_validate(
        {
            "name": "geometry",
            "storage": str(tmp_path / "store"),
            "backbones": ["builtin-tiny", backbone],
            "sources": ["review"],
            "targets": ["remark"],
            "methods": ["pot"],
            "training": training,
        }
    )


def model_folder(tmp_path: Path, **config: Any) -> dict[str, str]:
    """A folder with a configuration and with weights that are no model's."""
    sizes = {"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}
    (tmp_path / "config.json").write_text(json.dumps(sizes | config))
    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    return {"name": "own", "path": str(tmp_path)}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"prompt_len": MILLION}, "prompt_len 1000000 and max_len 128 need 1000128 positions"),
        ({"max_len": 1_000_000_000}, "prompt_len 20 and max_len 1000000000 need 1000000020 positions"),
        ({"prompt_len": 65}, "prompt_len 65 and max_len 128 need 193 positions"),
        ({"max_len": 193, "position_offset": False}, "and position_offset false need 193 positions"),
        ({"prompt_len": MILLION, "position_offset": False}, "and position_offset false need 1000000 positions"),
    ],
)
def test_too_many_positions_are_refused_when_a_sweep_is_planned(
    training: dict[str, Any], said: str, tmp_path: Path
) -> None:
    sweep = sweep_of(tmp_path, "bert-base", **training)
    for plan in (lambda: build_plan(sweep, Store(sweep.storage)), lambda: read_catalog(sweep, download=False)):
        with pytest.raises(InputError, match=rf"training: .*{said}, but backbone 'builtin-tiny' has 192"):
            plan()
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        ({"model_type": "bert", "max_position_embeddings": 150}, 150),
        ({"model_type": "roberta", "max_position_embeddings": 152, "pad_token_id": 1}, 150),
        ({"model_type": "roberta", "max_position_embeddings": 152}, 150),
    ],
)
def test_positions_of_a_folder_are_known_without_its_weights(
    config: dict[str, Any], positions: int, tmp_path: Path
) -> None:
    backbone = model_folder(tmp_path, **config)
    fits = sweep_of(tmp_path, backbone, prompt_len=22, max_len=128)
    assert build_plan(fits, Store(fits.storage)).stacks
    one_more = sweep_of(tmp_path, backbone, prompt_len=23, max_len=128)
    with pytest.raises(InputError, match=f"need 151 positions, but backbone 'own' has {positions}; lower one"):
        build_plan(one_more, Store(one_more.storage))
    without_offset = sweep_of(tmp_path, backbone, prompt_len=60, max_len=150, position_offset=False)
    assert build_plan(without_offset, Store(without_offset.storage)).stacks


def test_the_padding_index_that_roberta_may_leave_out_is_that_of_transformers() -> None:
    assert RobertaConfig().pad_token_id == 1
