"""Memory of a stack by arithmetic, against what passes keep; what a sweep's memory lets fit, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from transformers import AutoModel, BertConfig, DebertaV2Config, LlamaConfig, OPTConfig

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.weights import Type, Weights
from panda_ray.execution.costs.memory.memory_ahead import StageMemory
from panda_ray.execution.costs.memory.stack_memory import Hardware, Memory, stack_memory
from panda_ray.execution.costs.workload import TaskSize
from panda_ray.methods import Inputs, get_method
from panda_ray.methods.trains import PREFIXES
from panda_ray.methods.tuning.houlsby import HoulsbyOptions
from panda_ray.training.config import TrainConfig
from panda_ray.usecases.plan import plan_sweep
from support.sweeps.small_sweeps import small_sweep
from support.trained.models import BUCKETS, Around

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,  # of 64 numbers, as in published models
    "intermediate_size": 320,
    "max_position_embeddings": 64,
}
RELATIVE: dict[str, Any] = {"relative_attention": True, "position_biased_input": False, "pos_att_type": "p2c|c2p"}
CONFIGS = {
    "bert": BertConfig(**SIZES),
    "opt": OPTConfig(**SIZES, ffn_dim=320, word_embed_proj_dim=128),
    "llama": LlamaConfig(**SIZES),
    "llama-grouped": LlamaConfig(**SIZES, num_key_value_heads=1),
    "deberta-v3": DebertaV2Config(**SIZES, **RELATIVE, **BUCKETS),
}
MEMBERS, ROWS, TOKENS, PROMPT_LEN = 2, 8, 32, 16
CONFIG = TrainConfig(lr=0.1, batch_size=ROWS, epochs=1, prompt_len=PROMPT_LEN)
TASK = TaskSize(1000, 4, 1, TOKENS, every_token=True)
CPU = Hardware(is_gpu=False)


def backbone_of(name: str, activation_checkpointing: bool) -> Backbone:
    model = AutoModel.from_config(CONFIGS[name], dtype=torch.float32)
    architecture = ARCHITECTURES.get(CONFIGS[name].model_type)
    return Backbone(name, model, Around(), architecture, activation_checkpointing=activation_checkpointing)


def kept_bytes(backbone: Backbone, config: TrainConfig) -> int:
    """What the backward pass of one step will read besides weights and prefixes."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(5, 60, (MEMBERS * ROWS, TOKENS))
    tokens = Tokens(ids, torch.zeros_like(ids), torch.full((len(ids),), TOKENS), padded=False)
    sizes = backbone.geometry
    prefix = torch.randn(MEMBERS, sizes.layers, 2, sizes.kv_heads, PROMPT_LEN, sizes.head_size, requires_grad=True)
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"),
    ):
        features = backbone.forward([tokens], prefix, position_offset=True, dropout=config.dropout)
    assert features
    for frozen in (*backbone.weights.values(), prefix):
        kept.pop(frozen.untyped_storage().data_ptr(), None)
    return sum(kept.values())


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("activation_checkpointing", [False, True])
def test_what_a_pass_keeps_is_known_within_a_third(name: str, activation_checkpointing: bool) -> None:
    layers = SIZES["num_hidden_layers"]
    sizes = ARCHITECTURES.get(CONFIGS[name].model_type).sizes(CONFIGS[name].to_dict())
    for config in (CONFIG, replace(CONFIG, dropout=0.0), replace(CONFIG, dropout=0.0, precision="bf16")):

        def predicted(hardware: Hardware, config: TrainConfig = config) -> float:
            return stack_memory(sizes, Weights(0, "float32"), PREFIXES, TASK, config, hardware, MEMBERS, 0).activations

        backward = 2 * predicted(CPU) / (layers + 2)  # two layers' worth, on top of what is kept
        expected = predicted(replace(CPU, activation_checkpointing=activation_checkpointing)) - backward
        assert kept_bytes(backbone_of(name, activation_checkpointing), config) == pytest.approx(expected, rel=1 / 3)


def test_what_stays_is_the_sum_of_weights_trained_numbers_and_teachers() -> None:
    sizes = ARCHITECTURES.get("bert").sizes(CONFIGS["bert"].to_dict())
    prefix = 2 * 4 * PROMPT_LEN * 128

    def of(weights: Weights, **changes: Any) -> Memory:
        return stack_memory(sizes, weights, PREFIXES, TASK, replace(CONFIG, **changes), CPU, 3, 5)

    plain = of(Weights(1_000_000, "float32"))
    assert plain.weights == 4_000_000
    assert plain.trained == 3 * prefix * 16, "itself, its gradient and two moments"
    assert plain.teachers == 5 * prefix * 4
    assert plain.total == plain.weights + plain.trained + plain.teachers + plain.activations
    assert of(Weights(1_000_000, "float16")).weights == 2_000_000
    matrices = 4 * (4 * 128 * 128 + 2 * 128 * 320)
    assert of(Weights(1_000_000, "float32"), precision="bf16").weights == 4_000_000 + 2 * matrices, "and a cast"
    for narrow in get_args(Type)[1:]:
        assert of(Weights(1_000_000, narrow), precision="bf16").weights == 2_000_000, "no cast is kept"


def test_adapters_count_as_trained_and_frozen_models_keep_nothing_for_gradients() -> None:
    backbone = backbone_of("bert", activation_checkpointing=False)
    sizes, weights = backbone.architecture.sizes(CONFIGS["bert"].to_dict()), Weights(0, "float32")
    houlsby, options = get_method("houlsby"), HoulsbyOptions(bottleneck=6)
    start = houlsby.member(Inputs("a", 1, CONFIG, backbone.geometry), options).start
    trains = houlsby.trains(options.model_dump())
    memory = stack_memory(sizes, weights, trains, TASK, CONFIG, CPU, members=3, teachers=0)
    assert memory.trained == 3 * 16 * sum(tensor.numel() for tensor in start.tensors.values())
    frozen, prefixes = (
        stack_memory(sizes, weights, each, TASK, CONFIG, CPU, members=3, teachers=0).activations
        for each in (get_method("sesom").trains({"bottleneck": 6}), PREFIXES)
    )
    assert frozen < prefixes / 4


def test_a_sweep_that_names_its_memory_is_told_what_fits(tmp_path: Path) -> None:
    def planned(**resources: Any) -> list[StageMemory]:
        return list(plan_sweep(small_sweep(tmp_path, resources=resources)).memory)

    unsaid = planned()
    assert all(each.fitting is None for each in unsaid)
    assert {each.stage for each in unsaid} == {"source prompts", "teachers", "prompt_tuning", "pot", "panda"}
    assert all(each.memory.total > each.memory.weights > 2e6 for each in unsaid)
    fits = {each.stage: each.fitting for each in planned(gpu_memory_gib=1, gpus_per_stack=1)}
    half = {each.stage: each.fitting for each in planned(gpu_memory_gib=1, gpus_per_stack=0.5)}
    for stage, count in fits.items():
        assert count is not None
        assert half[stage] is not None
        assert 1 < half[stage] < count  # type: ignore[operator]
