"""Prompts that PEFT and P-Tuning v2 trained give the same logits here; what is none is refused by one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from peft import PrefixTuningConfig, get_peft_model
from torch import Tensor
from transformers import BertForSequenceClassification

from panda_ray.errors import InputError
from panda_ray.prompts.foreign import content_hash, read_foreign
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.closeness import assert_close
from support.trained.models import CONFIGS, random_backbone, random_model, random_tokens

LAYERS, HEADS, SIZE, PROMPT_LEN, LABELS = 3, 4, 8, 5, 3
GEOMETRY = random_backbone().geometry


def classifier() -> Any:
    """BERT with a head, on the weights that `random_backbone` has."""
    config = CONFIGS["bert"]()
    config.num_labels = LABELS
    torch.manual_seed(1)
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    model.bert.load_state_dict(random_model().state_dict())
    return model.eval()


def trained_by_peft(folder: Path, projection: bool = False) -> Any:
    """An adapter, as PEFT saves it, and the model that it is of."""
    asked = PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=PROMPT_LEN, prefix_projection=projection)
    model = get_peft_model(classifier(), asked).eval()
    with torch.no_grad():
        for parameter in model.prompt_encoder.parameters():
            parameter.normal_()
    model.save_pretrained(folder)
    return model


def our_logits(prompt: Prompt) -> Tensor:
    backbone = random_backbone()
    [features] = backbone.forward([random_tokens([9, 4, 12])], prompt.prefix_LKNPH[None], position_offset=True)
    return features.pooled_RD @ prompt.head_weight_CD.T + prompt.head_bias_C


@pytest.mark.parametrize("projection", [False, True], ids=["plain", "projected"])
def test_an_adapter_of_peft_gives_its_logits(projection: bool, tmp_path: Path) -> None:
    model, tokens = trained_by_peft(tmp_path, projection), random_tokens([9, 4, 12])
    mask = (torch.arange(12) < tokens.lengths_R.unsqueeze(1)).long()
    with torch.no_grad():
        theirs = model(tokens.input_ids_RT, attention_mask=mask, token_type_ids=tokens.token_type_ids_RT).logits
        assert_close(our_logits(read_foreign(tmp_path, GEOMETRY)), theirs)


def checkpoint(projection: bool) -> dict[str, Tensor]:
    """What P-Tuning v2's trainer saves of its BertPrefixForSequenceClassification, in part."""
    draw, width = torch.Generator().manual_seed(2), LAYERS * 2 * HEADS * SIZE
    encoder = {"embedding.weight": (PROMPT_LEN, width)}
    if projection:
        encoder = {
            "embedding.weight": (PROMPT_LEN, HEADS * SIZE),
            "trans.0.weight": (16, HEADS * SIZE),
            "trans.0.bias": (16,),
            "trans.2.weight": (width, 16),
            "trans.2.bias": (width,),
        }
    shapes = {f"prefix_encoder.{name}": shape for name, shape in encoder.items()}
    shapes |= {
        "classifier.weight": (LABELS, HEADS * SIZE),
        "classifier.bias": (LABELS,),
        "bert.pooler.dense.bias": (32,),
    }
    return {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}


def past_key_values(tensors: dict[str, Tensor]) -> Tensor:
    """(L, K, N, P, H) as its `PrefixEncoder` and `get_prompt` compute it, without the batch."""
    rows = tensors["prefix_encoder.embedding.weight"]
    if "prefix_encoder.trans.0.weight" in tensors:
        trans = torch.nn.Sequential(torch.nn.Linear(32, 16), torch.nn.Tanh(), torch.nn.Linear(16, rows.shape[1] * 6))
        trans.load_state_dict(
            {name.removeprefix("prefix_encoder.trans."): value for name, value in tensors.items() if ".trans." in name}
        )
        rows = trans(rows).detach()
    past = rows.view(1, PROMPT_LEN, LAYERS * 2, HEADS, SIZE).permute([2, 0, 3, 1, 4]).split(2)
    return torch.stack([layer[:, 0] for layer in past])


@pytest.mark.parametrize("projection", [False, True], ids=["plain", "projected"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_checkpoint_of_p_tuning_v2_gives_its_keys_and_values_and_its_head(
    name: str, projection: bool, tmp_path: Path
) -> None:
    tensors = checkpoint(projection)
    if name.endswith(".bin"):
        torch.save(tensors, tmp_path / name)
    else:
        safetensors.torch.save_file(tensors, tmp_path / name)
    for path in (tmp_path, tmp_path / name):
        prompt = read_foreign(path, GEOMETRY)
        torch.testing.assert_close(prompt.prefix_LKNPH, past_key_values(tensors))
        assert torch.equal(prompt.head_weight_CD, tensors["classifier.weight"])
        assert torch.equal(prompt.head_bias_C, tensors["classifier.bias"])


def test_equal_prompts_are_equal_whatever_file_they_came_in(tmp_path: Path) -> None:
    tensors = checkpoint(projection=False)
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    safetensors.torch.save_file(tensors, tmp_path / "renamed.safetensors")
    first, second = (read_foreign(tmp_path / name, GEOMETRY) for name in ("pytorch_model.bin", "renamed.safetensors"))
    assert content_hash(first) == content_hash(second)
    tensors["classifier.bias"][0] += 1
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    assert content_hash(read_foreign(tmp_path, GEOMETRY)) != content_hash(second)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prefix_encoder.embedding.weight": None}, "no checkpoint of P-Tuning v2"),
        ({"prefix_encoder.embedding.weight": torch.zeros(5, 100)}, "another backbone: here a virtual token has 192"),
        ({"classifier.weight": None}, "has no head"),
        ({"classifier.weight": torch.zeros(3, 7)}, r"the shape \(3, 7\), and this backbone gives vectors of 32"),
        ({"qa_outputs.weight": torch.zeros(2, 32)}, "has 2 heads"),
    ],
)
def test_what_is_no_such_checkpoint_is_one_sentence(changed: dict[str, Any], said: str, tmp_path: Path) -> None:
    tensors = {name: value for name, value in {**checkpoint(False), **changed}.items() if value is not None}
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=said):
        read_foreign(tmp_path, GEOMETRY)


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    torch.save({"prefix_encoder.embedding.weight": Path("x")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be read as tensors"):
        read_foreign(tmp_path, GEOMETRY)


def test_an_adapter_of_another_type_is_named(tmp_path: Path) -> None:
    trained_by_peft(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "LORA"}))
    with pytest.raises(InputError, match="type LORA; only PREFIX_TUNING"):
        read_foreign(tmp_path, GEOMETRY)
