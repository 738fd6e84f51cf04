"""What a GPU's allocator hands out, against what is predicted of it; and narrow weights and recomputed layers there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModel, LlamaConfig

from benchmarks.competitors import stacked
from benchmarks.workloads.models import SIZES, panda_backbone
from benchmarks.workloads.setting import Setting
from benchmarks.workloads.workload import make_task
from panda_ray.backbones import Backbone, Sizes
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.weights import Weights
from panda_ray.execution.costs.memory.stack_memory import Hardware, stack_memory
from panda_ray.execution.costs.workload import TaskSize
from panda_ray.methods.trains import PREFIXES
from support.trained.models import Around

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
WIDTH = 8


@pytest.mark.parametrize("activation_checkpointing", [False, True])
def test_the_peak_of_a_stack_is_predicted_within_a_factor_of_one_and_a_half(activation_checkpointing: bool) -> None:
    device = torch.device("cuda")
    setting = Setting("base", "cb", "panda", device, activation_checkpointing=activation_checkpointing)
    train, task, size = stacked.prepare(setting, WIDTH), make_task(setting), SIZES[setting.backbone]
    torch.cuda.reset_peak_memory_stats(device)
    train()
    parameters = sum(weight.numel() for weight in panda_backbone(setting).weights.values())
    expected = stack_memory(
        Sizes(size.layers, size.hidden, 4 * size.hidden),
        Weights(parameters, "float32"),
        PREFIXES,
        TaskSize(setting.rows, setting.dev_rows, 1, float(task.train.lengths_R.float().mean()), every_token=False),
        setting.config,
        Hardware(is_gpu=True, activation_checkpointing=activation_checkpointing),
        WIDTH,
        WIDTH,
    )
    assert 1 / 1.5 < torch.cuda.max_memory_allocated(device) / expected.total < 1.5


def test_recomputed_layers_draw_the_same_dropout_and_take_less_memory() -> None:
    device, losses, peaks = torch.device("cuda"), [], []
    for recomputes in (False, True):
        setting = Setting("small", "cb", "pot", device, dropout=0.1)
        train = stacked.prepare(replace(setting, activation_checkpointing=recomputes), WIDTH)
        torch.cuda.reset_peak_memory_stats(device)
        losses.append(train())
        peaks.append(torch.cuda.max_memory_allocated(device))
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert peaks[1] < peaks[0]


def test_a_model_in_bfloat16_takes_its_own_size_and_no_more() -> None:
    config = LlamaConfig(hidden_size=1024, intermediate_size=2816, num_hidden_layers=8, vocab_size=8000)
    before = torch.cuda.memory_allocated()
    model = AutoModel.from_config(config, dtype=torch.bfloat16).to("cuda")
    backbone = Backbone("llama", model, Around(), ARCHITECTURES.get("llama"))
    size = sum(weight.numel() for weight in backbone.weights.values()) * 2
    assert torch.cuda.memory_allocated() - before == pytest.approx(size, rel=0.02)
