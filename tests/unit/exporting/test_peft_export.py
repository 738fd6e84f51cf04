"""An exported prompt gives the same hidden states in PEFT, which is what other people will load it with."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from peft import PeftModel

from panda_ray.errors import InputError
from panda_ray.prompts.peft import export_peft
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import CONFIGS, random_backbone, random_model, random_tokens


def a_prompt(model_type: str, position_offset: bool = True) -> Prompt:
    backbone = random_backbone(model_type)
    head = torch.randn(3, backbone.geometry.hidden)
    return Prompt(random_prefixes(backbone, 1)[0], head, torch.randn(3), position_offset)


# transformers' DeBERTa takes no keys and values from outside, so PEFT has no prefix tuning of it.
@pytest.mark.parametrize("model_type", sorted(name for name in CONFIGS if not name.startswith("deberta")))
def test_peft_gives_the_same_logits(model_type: str, tmp_path: Path) -> None:
    prompt, tokens = a_prompt(model_type), random_tokens([9, 4, 12])
    random_model(model_type).save_pretrained(tmp_path / "base")
    export_peft(prompt, tmp_path / "adapter", str(tmp_path / "base"))
    model = PeftModel.from_pretrained(random_model(model_type), tmp_path / "adapter")
    mask = (torch.arange(12) < tokens.lengths_R.unsqueeze(1)).long()
    backbone = random_backbone(model_type)
    types = {} if backbone.architecture.causal else {"token_type_ids": tokens.token_type_ids_RT}
    output = model(input_ids=tokens.input_ids_RT, attention_mask=mask, **types)
    [ours] = backbone.forward([tokens], prompt.prefix_LKNPH.unsqueeze(0), position_offset=True)
    real = mask.bool()
    ours_logits = ours.hidden_RTD[real] @ prompt.head_weight_CD.T + prompt.head_bias_C
    their_logits = output.last_hidden_state[real] @ prompt.head_weight_CD.T + prompt.head_bias_C
    assert_close(ours_logits, their_logits)


def test_prompts_without_the_shift_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without the shift"):
        export_peft(a_prompt("bert", position_offset=False), tmp_path, "base")


def test_bytes_round_trip() -> None:
    prompt = a_prompt("bert", position_offset=False)
    again = Prompt.from_bytes(safetensors.torch.save(prompt.tensors()))
    assert again.position_offset is False
    for name, tensor in prompt.tensors().items():
        assert torch.equal(tensor, again.tensors()[name]), name
