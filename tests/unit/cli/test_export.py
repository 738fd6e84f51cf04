"""`panda-ray export` on a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.prompts.prompt import Prompt
from support.records import BARE

KEY = "ab" + "0" * 62


@pytest.fixture
def sweep_file(tmp_path: Path) -> str:
    """A sweep whose store holds one training and one embedding."""
    store = Store(str(tmp_path / "runs"))
    prompt = Prompt(torch.randn(3, 2, 4, 8, 32), torch.randn(2, 128), torch.zeros(2))
    record = BARE | {"key": KEY, "method": "pot", "target": "remark"}
    store.publish(KEY, record, {"prompt.safetensors": safetensors.torch.save(prompt.tensors())})
    store.publish("ab" + "1" * 62, BARE | {"key": "ab" + "1" * 62, "product": "embedding", "task": "remark"}, {})
    file = tmp_path / "sweep.yaml"
    lines = ["name: s", f"storage: {tmp_path / 'runs'}", "backbones: [builtin-tiny]", "sources: [review]"]
    file.write_text("\n".join([*lines, "targets: [remark]", "methods: [pot]"]) + "\n", encoding="utf-8")
    return str(file)


def test_a_prompt_is_exported_by_how_its_key_begins(sweep_file: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", sweep_file, "ab", str(tmp_path / "adapter")], catch_exceptions=False)
    assert result.exit_code == 0
    assert "pot on remark (61.5)" in result.output
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["num_virtual_tokens"], config["num_layers"], config["num_attention_heads"]) == (8, 3, 4)
    assert Path(config["base_model_name_or_path"], "model.safetensors").is_file()


def test_an_unknown_key_gets_one_sentence(sweep_file: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training with a key that begins with 'ff'"):
        CliRunner().invoke(app, ["export", sweep_file, "ff", str(tmp_path)], catch_exceptions=False)
