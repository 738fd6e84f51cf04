"""Export of what was trained to PEFT, so that it can be used without panda_ray.

PEFT keeps a prefix as one matrix of P rows and 2 * L * N * H columns, in the order layer, key/value, head, position in
the head, and virtual tokens as one of P rows and D columns. The exported adapter gives the same hidden states as this
project does: of a prefix with `position_offset` on, of virtual tokens from row P on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from panda_ray.errors import InputError
from panda_ray.prompts.prompt import Prompt

_CONFIG = "adapter_config.json"
_ADAPTER = "adapter_model.safetensors"
_HEAD = "head.safetensors"


def export_trained(data: bytes, folder: Path, base_model: str, task_type: str = "FEATURE_EXTRACTION") -> None:
    """Write `adapter_config.json`, `adapter_model.safetensors` and the head (`head.safetensors`) to `folder`.

    Args:
        data: a training's safetensors file.
        base_model: name or path of the backbone that the adapter belongs to.
        task_type: PEFT's name of the task.

    Raises:
        InputError: PEFT has no adapter that computes what was trained.
    """
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise InputError(f"this is no prompt file: {error}") from error
    if "prefix" not in tensors and "virtual_tokens" not in tensors:
        raise InputError("PEFT has no adapter that computes what was trained: neither a prefix nor virtual tokens")
    if "virtual_tokens" not in tensors:
        export_peft(Prompt.from_bytes(data), folder, base_model, task_type)
        return
    if bool(tensors["embedded_twice"]):
        raise InputError("PEFT embeds text once; these virtual tokens were trained before text that is embedded twice")
    matrix_PD = tensors["virtual_tokens"]
    own = {
        "peft_type": "PROMPT_TUNING",
        "num_virtual_tokens": len(matrix_PD),
        "token_dim": matrix_PD.shape[1],
        "prompt_tuning_init": "RANDOM",
    }
    _write(folder, own, matrix_PD, tensors, base_model, task_type)


def export_peft(prompt: Prompt, folder: Path, base_model: str, task_type: str = "FEATURE_EXTRACTION") -> None:
    """Write a prefix and its head; see `export_trained`.

    Raises:
        InputError: the prompt was trained with positions that PEFT does not know.
    """
    if not prompt.position_offset:
        raise InputError(
            "PEFT shifts token positions by the prompt's length; this prompt was trained without the shift"
        )
    layers, _, heads, prompt_len, head_size = prompt.prefix_LKNPH.shape
    matrix = prompt.prefix_LKNPH.permute(3, 0, 1, 2, 4).reshape(prompt_len, -1).contiguous()
    own = {
        "peft_type": "PREFIX_TUNING",
        "num_virtual_tokens": prompt_len,
        "token_dim": heads * head_size,
        "num_attention_heads": heads,
        "num_layers": layers,
        "encoder_hidden_size": heads * head_size,
        "prefix_projection": False,
    }
    _write(folder, own, matrix, prompt.tensors(), base_model, task_type)


def _write(
    folder: Path,
    own: Mapping[str, Any],
    matrix: Tensor,
    tensors: Mapping[str, Tensor],
    base_model: str,
    task_type: str,
) -> None:
    """Write an adapter of one matrix.

    Args:
        own: its configuration, without what all adapters have.
        tensors: with the head's among them.
    """
    config = {
        "task_type": task_type,
        "base_model_name_or_path": base_model,
        "inference_mode": True,
        "num_transformer_submodules": 1,
        **own,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    safetensors.torch.save_file({"prompt_embeddings": matrix}, folder / _ADAPTER)
    head = {name: tensors[f"head.{name}"].contiguous() for name in ("weight", "bias")}
    safetensors.torch.save_file(head, folder / _HEAD)


def read_peft(folder: Path) -> dict[str, Tensor]:
    """The inverse of `export_trained`: what was trained and its head, by their names in a training's file.

    Raises:
        InputError: the folder does not hold what that wrote.
    """
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        matrix = safetensors.torch.load_file(folder / _ADAPTER)["prompt_embeddings"]
        head = safetensors.torch.load_file(folder / _HEAD)
        tensors = {"head.weight": head["weight"], "head.bias": head["bias"]}
        if config["peft_type"] == "PROMPT_TUNING":
            return {**tensors, "virtual_tokens": matrix, "embedded_twice": torch.tensor(False)}
        shape = (config["num_virtual_tokens"], config["num_layers"], 2, config["num_attention_heads"], -1)
        prefix_LKNPH = matrix.reshape(shape).permute(1, 2, 3, 0, 4).contiguous()
        return {**tensors, "prefix": prefix_LKNPH, "position_offset": torch.tensor(True)}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder}: is no exported prompt ({error})") from error
