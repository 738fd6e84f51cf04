"""A backbone whose layers lie on two devices computes what one on the host computes; which layer lies where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, LlamaConfig

from panda_ray.backbones import Backbone
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.placement import spread
from panda_ray.backbones.placing import place
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import Around, random_tokens

GIB = 1 << 30
LLAMA_7B = (4 * 32000 * 4096.0, [4 * (4 * 4096 * 4096 + 3 * 4096 * 11008.0)] * 32)
"""Bytes in float32 of what is no layer, and of the layers."""
ONE_PER_ENCODER = ("bert", "deberta-v2", "opt-350m", "llama-3")


def halved(sizes: tuple[float, list[float]]) -> tuple[float, list[float]]:
    return sizes[0] / 2, [size / 2 for size in sizes[1]]


def shares(sizes: tuple[float, list[float]], room: list[float]) -> list[float]:
    rest, layers = sizes
    gpus = spread(rest, layers, room)
    held = [sum(size for size, at in zip(layers, gpus, strict=True) if at == gpu) for gpu in range(len(room))]
    return [
        (bytes_ + (rest if not gpu else 0)) / space for gpu, (bytes_, space) in enumerate(zip(held, room, strict=True))
    ]


def test_llama_2_7b_lies_on_two_small_gpus_in_halves() -> None:
    for sizes in (LLAMA_7B, halved(LLAMA_7B)):
        gpus = spread(*sizes, [16 * GIB, 16 * GIB])
        assert gpus == (*(0,) * 16, *(1,) * 16)
    assert max(shares(LLAMA_7B, [16 * GIB] * 2)) < 1
    assert max(shares(LLAMA_7B, [12 * GIB] * 2)) > 1, "whoever asks sees that it does not fit"


def test_uneven_gpus_are_filled_in_proportion() -> None:
    gpus = spread(*LLAMA_7B, [24 * GIB, 8 * GIB])
    assert 23 <= gpus.count(0) <= 25
    assert all(before <= after for before, after in pairwise(gpus)), "in blocks"
    found = shares(LLAMA_7B, [24 * GIB, 8 * GIB])
    assert max(found) < 1.1 * min(found)
    other = spread(*LLAMA_7B, [8 * GIB, 24 * GIB])
    assert 7 <= other.count(0) <= 9


def test_more_gpus_than_layers_leave_some_empty_and_the_first_has_a_layer() -> None:
    gpus = spread(1.0, [1.0, 1.0, 1.0], [10.0] * 5)
    assert gpus[0] == 0, "with what stands before it"
    assert sorted(set(gpus)) == [*dict.fromkeys(gpus)]
    assert max(gpus) < 5
    assert spread(100.0, [1.0, 1.0], [10.0, 10.0]) == (0, 1), "however much else there is"
    assert spread(1.0, [1.0, 1.0], [10.0]) == (0, 0)


@pytest.fixture(scope="module")
def differences() -> dict[str, dict[str, float]]:
    """Of a process that has a second device."""
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)])}
    command = [sys.executable, "-m", "support.processes.spread_backbone", *ONE_PER_ENCODER]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, dict[str, float]] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize("name", ONE_PER_ENCODER)
def test_features_and_gradients_are_those_of_one_device(differences: dict[str, dict[str, float]], name: str) -> None:
    found = differences[name]
    assert {title.split(", ")[0] for title in found} == (
        {"host last", "computed once more"} if name == "bert" else {"computed once more"}
    )
    ways = {title.split(", ")[1] for title in found}
    assert ways >= {"tokens", "pooled", "adapters", "weights", "activations"}
    assert {title: off for title, off in found.items() if off > 1e-4} == {}


def test_a_stack_with_a_teacher_trains_to_what_it_does_on_one_device(differences: dict[str, dict[str, float]]) -> None:
    assert differences["bert"]["computed once more, a training"] < 1e-4


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_a_model_that_is_loaded_for_two_gpus_computes_what_it_does_on_one(tmp_path: Path) -> None:
    config = LlamaConfig(hidden_size=256, intermediate_size=512, num_hidden_layers=6, vocab_size=60)
    AutoModel.from_config(config).save_pretrained(tmp_path)
    found = []
    for gpus in (1, 2):
        before = [torch.cuda.memory_allocated(gpu) for gpu in range(2)]
        model = AutoModel.from_pretrained(tmp_path)
        architecture = ARCHITECTURES.get("llama")
        devices = [torch.device("cuda", gpu) for gpu in range(gpus)]
        place("llama", model, architecture.encoder(model), 6, devices)
        backbone = Backbone("llama", model, Around(), architecture)
        assert backbone.devices == tuple(devices)
        size = sum(weight.numel() * weight.element_size() for weight in backbone.weights.values())
        taken = [torch.cuda.memory_allocated(gpu) - before[gpu] for gpu in range(gpus)]
        assert max(taken) < 0.7 * size if gpus == 2 else taken[0] >= size
        prefix = random_prefixes(backbone, 2).to(devices[0]).requires_grad_(True)
        tokens = random_tokens([4, 7], 2)
        ids = tokens.input_ids_RT.to(devices[0])
        rows = type(tokens)(ids, torch.zeros_like(ids), tokens.lengths_R.to(devices[0]))
        (features,) = backbone.forward([rows], prefix, position_offset=True)
        (gradient,) = torch.autograd.grad(features.hidden_RTD.square().sum(), prefix)
        found.append((features.hidden_RTD.detach(), gradient))
    torch.testing.assert_close(found[1], found[0])
