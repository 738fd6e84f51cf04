"""Export of a prompt to PEFT, so that it can be used without panda_ray.

PEFT keeps a prefix as one matrix of P rows and 2 * L * N * H columns, in the order layer, key/value, head, position in
the head. The exported adapter gives the same hidden states as this project does with `position_offset` on.
"""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch

from panda_ray.errors import InputError
from panda_ray.prompts.prompt import Prompt


def export_peft(prompt: Prompt, folder: Path, base_model: str, task_type: str = "FEATURE_EXTRACTION") -> None:
    """Write `adapter_config.json`, `adapter_model.safetensors` and the head (`head.safetensors`) to `folder`.

    Args:
        base_model: name or path of the backbone that the adapter belongs to.
        task_type: PEFT's name of the task.

    Raises:
        InputError: the prompt was trained with positions that PEFT does not know.
    """
    if not prompt.position_offset:
        raise InputError(
            "PEFT shifts token positions by the prompt's length; this prompt was trained without the shift"
        )
    layers, _, heads, prompt_len, head_size = prompt.prefix_LKNPH.shape
    matrix = prompt.prefix_LKNPH.permute(3, 0, 1, 2, 4).reshape(prompt_len, -1).contiguous()
    config = {
        "peft_type": "PREFIX_TUNING",
        "task_type": task_type,
        "base_model_name_or_path": base_model,
        "inference_mode": True,
        "num_virtual_tokens": prompt_len,
        "token_dim": heads * head_size,
        "num_transformer_submodules": 1,
        "num_attention_heads": heads,
        "num_layers": layers,
        "encoder_hidden_size": heads * head_size,
        "prefix_projection": False,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    safetensors.torch.save_file({"prompt_embeddings": matrix}, folder / "adapter_model.safetensors")
    head = {"weight": prompt.head_weight_CD.contiguous(), "bias": prompt.head_bias_C.contiguous()}
    safetensors.torch.save_file(head, folder / "head.safetensors")
