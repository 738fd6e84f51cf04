"""`panda-ray export` on a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panda_ray.cli.app import app
from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.sweep import BackboneSection, Sweep
from support.sweeps.small_sweeps import run_inline, small_sweep
from support.trained.models import random_model


def export(sweep: Sweep, folder: Path, *words: str) -> str:
    file = folder / "sweep.json"
    file.write_text(sweep.model_dump_json(exclude_none=True))
    result = CliRunner().invoke(app, ["export", str(file), *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_a_prompt_is_exported_by_how_its_key_begins_or_as_the_best_of_a_target(trained: Sweep, tmp_path: Path) -> None:
    [(key, record)] = [
        (key, record) for key, record in Store(trained.storage).records() if record["target"] == "lookup"
    ]
    said = export(trained, tmp_path, key[:20], str(tmp_path / "adapter"))
    assert f"prompt_tuning on lookup ({record['score']:.1f})" in said
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["num_virtual_tokens"], config["num_layers"], config["num_attention_heads"]) == (4, 3, 4)
    assert config["base_model_name_or_path"] == "builtin-tiny"
    card = (tmp_path / "adapter" / "README.md").read_text()
    assert f"squad_f1 {record['score']:.1f}, of the best epoch" in card
    export(trained, tmp_path, str(tmp_path / "best"), "--best", "lookup")
    assert (tmp_path / "best" / "README.md").read_text() == card


def test_an_unknown_key_and_a_prompt_that_peft_cannot_run_get_one_sentence(trained: Sweep, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training with a key that begins with 'zz'"):
        export(trained, tmp_path, "zz", str(tmp_path / "adapter"))
    with pytest.raises(InputError, match="export SWEEP KEY DIR"):
        export(trained, tmp_path, str(tmp_path / "adapter"))
    random_model("deberta-v2").save_pretrained(tmp_path / "deberta")
    store = Store(str(tmp_path / "runs"))
    trained_bytes = next(Path(trained.storage).glob("units/*/*/prompt.*")).read_bytes()
    [record, *_] = (record for _, record in Store(trained.storage).records())
    store.publish(record["key"], {**record, "backbone": "mine"}, {PROMPT_FILE: trained_bytes})
    mine = BackboneSection(name="mine", path=str(tmp_path / "deberta"))
    sweep = trained.model_copy(update={"storage": store.url, "backbones": [mine]})
    with pytest.raises(InputError, match="PEFT cannot run a prompt of mine: transformers' deberta-v2 takes no keys"):
        export(sweep, tmp_path, record["key"], str(tmp_path / "adapter"))
    assert not (tmp_path / "adapter").exists()


def test_what_peft_cannot_compute_is_refused_and_never_the_best_to_export(tmp_path: Path) -> None:
    methods = [{"method": "attempt"}, {"method": "prompt_tuning"}]
    sweep = small_sweep(tmp_path / "runs", sources=[["review", "kinds"]], methods=methods, metrics=[])
    plan = run_inline(sweep)
    (attempt,) = (cell for cell in plan.cells if cell.method == "attempt")
    assert attempt.sources == ("review", "kinds")
    with pytest.raises(InputError, match="what was trained: neither a prefix nor virtual tokens"):
        export(sweep, tmp_path, attempt.key, str(tmp_path / "adapter"))
    assert "prompt_tuning on remark" in export(sweep, tmp_path, str(tmp_path / "best"), "--best", "remark")
    alone = sweep.model_copy(update={"methods": sweep.methods[:1]})
    with pytest.raises(InputError, match=r"no finished training of 'remark' .* that keeps a prompt yet"):
        export(alone, tmp_path, str(tmp_path / "none"), "--best", "remark")
