"""Transferability metrics against their definitions."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from panda_ray.backbones.backbone import Tokens
from panda_ray.errors import InputError
from panda_ray.metrics import get_metric
from panda_ray.metrics.task_embedding import TaskEmbeddingOptions, balanced_examples
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone, random_model
from support.trained.toys import toy_task


def a_prompt(seed: int) -> Prompt:
    return Prompt(random_prefixes(random_backbone(), 1, seed=seed)[0], torch.zeros(3, 32), torch.zeros(3))


def test_task_embedding_is_the_cosine_of_mean_shifts_of_cls() -> None:
    backbone, task, metric = (
        random_backbone(),
        toy_task("classification", train=120, dev=60),
        get_metric("task_embedding"),
    )
    options = TaskEmbeddingOptions(examples=50)
    embeddings = [metric.embedding(backbone, a_prompt(seed), task, options) for seed in (1, 2)]
    plain = random_model("bert")
    dev, train = balanced_examples(task, 50, 0)
    assert len(dev) == 50
    assert train == []
    means = []
    for seed in (1, 2):
        shifts = []
        for example in dev:  # one row at a time, without padding
            length = int(task.dev.lengths_R[example])
            ids = task.dev.input_ids_RT[example : example + 1, :length]
            types = task.dev.token_type_ids_RT[example : example + 1, :length]
            tokens = Tokens(ids, types, torch.tensor([length]))
            [prompted] = backbone.forward([tokens], a_prompt(seed).prefix_LKNPH.unsqueeze(0), position_offset=True)
            without = plain(input_ids=ids, token_type_ids=types).last_hidden_state[0, 0]
            shifts.append((prompted.hidden_RTD[0, 0] - without).detach().numpy())
        means.append(np.mean(shifts, axis=0))
    expected = means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1])
    assert metric.similarity(embeddings[0], embeddings[1], options) == pytest.approx(expected, rel=1e-4)


def test_mean_of_cosines_is_another_option() -> None:
    backbone, task, metric = random_backbone(), toy_task("classification", dev=60), get_metric("task_embedding")
    options = TaskEmbeddingOptions(examples=50, compare="mean_of_cosines")
    a, b = (metric.embedding(backbone, a_prompt(seed), task, options) for seed in (1, 2))
    unit = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (a, b)]
    assert metric.similarity(a, b, options) == pytest.approx(float((unit[0] @ unit[1].T).mean()), rel=1e-4)


@pytest.mark.parametrize("feature", ["last_hidden", "pooler"])
@pytest.mark.parametrize(("examples", "seed"), [(50, 0), (50, 7), (100, 7)])
def test_an_embedding_has_the_shift_of_each_chosen_example_and_of_the_chosen_feature(
    examples: Literal[50, 100], seed: int, feature: Literal["last_hidden", "pooler"]
) -> None:
    backbone, task, prompt = random_backbone(), toy_task("classification", train=70, dev=60), a_prompt(1)
    options = TaskEmbeddingOptions(examples=examples, seed=seed, feature=feature)
    embedding = get_metric("task_embedding").embedding(backbone, prompt, task, options)
    chosen = balanced_examples(task, examples, seed)
    rows = [(split, example) for split, part in zip((task.dev, task.train), chosen, strict=True) for example in part]
    assert len(embedding) == len(rows) == examples
    plain = random_model("bert")
    for shift, (split, example) in list(zip(embedding, rows, strict=True))[:: examples // 5]:
        length = int(split.lengths_R[example])
        ids = split.input_ids_RT[example : example + 1, :length]
        types = split.token_type_ids_RT[example : example + 1, :length]
        tokens = Tokens(ids, types, torch.tensor([length]))
        [prompted] = backbone.forward([tokens], prompt.prefix_LKNPH.unsqueeze(0), position_offset=True)
        without = plain(input_ids=ids, token_type_ids=types)
        with_prompt, alone = (
            (prompted.pooled_RD[0], without.pooler_output[0])
            if feature == "pooler"
            else (prompted.hidden_RTD[0, 0], without.last_hidden_state[0, 0])
        )
        np.testing.assert_allclose(shift, (with_prompt - alone).detach().numpy(), rtol=1e-3, atol=1e-5)


def test_examples_are_balanced_and_the_training_set_fills_up() -> None:
    task = toy_task("classification", train=200, dev=31)
    dev, train = balanced_examples(task, 100, 0)
    assert sorted(dev) == list(range(31))
    assert len(train) == 69
    labels = [*task.dev.labels[dev].tolist(), *task.train.labels[train].tolist()]
    assert sorted(np.bincount(labels)) == [33, 33, 34]
    assert (dev, train) == balanced_examples(task, 100, 0)
    assert train != balanced_examples(task, 100, 1)[1]


def test_e_avg_is_the_cosine_of_token_means() -> None:
    metric = get_metric("e_avg")
    a, b = (metric.embedding(random_backbone(), a_prompt(seed), None, metric.Options()) for seed in (1, 2))
    vectors = [a_prompt(seed).prefix_LKNPH.mean(dim=3).flatten().double() for seed in (1, 2)]
    expected = torch.nn.functional.cosine_similarity(vectors[0], vectors[1], dim=0).item()
    assert metric.similarity(a, b, metric.Options()) == pytest.approx(expected, rel=1e-5)


def test_neuron_overlap_reads_the_activations_after_the_nonlinearity_at_position_zero() -> None:
    backbone, metric, prompt = random_backbone(), get_metric("on"), a_prompt(1)
    active = metric.embedding(backbone, prompt, None, metric.Options())
    sizes = backbone.geometry
    assert active.shape == (sizes.layers, 48)
    assert set(np.unique(active)) == {0.0, 1.0}
    seen: list[torch.Tensor] = []
    hook = backbone._model.encoder.layer[0].intermediate.dense.register_forward_hook(
        lambda _module, _inputs, output: seen.append(output)
    )
    assert np.array_equal(metric.embedding(backbone, prompt, None, metric.Options()), active)
    hook.remove()
    assert np.array_equal((torch.nn.functional.gelu(seen[0][0, 0]) > 0).numpy(), active[0] > 0)


@pytest.mark.parametrize(("name", "around"), [("bert", (2, 3)), ("opt", (2,)), ("llama", (5,))])
def test_neuron_overlap_reads_what_a_tokenizer_puts_around_an_empty_text(name: str, around: tuple[int, ...]) -> None:
    backbone, metric, prompt = random_backbone(name, around), get_metric("on"), a_prompt(1)
    ids_1T = torch.tensor([around])
    tokens = Tokens(ids_1T, torch.zeros_like(ids_1T), torch.tensor([len(around)]))
    activations: list[torch.Tensor] = []
    with backbone.recorded_activations(activations):
        backbone.forward([tokens], prompt.prefix_LKNPH.unsqueeze(0), position_offset=prompt.position_offset)
    expected = torch.stack([layer_1XF[0, 0] for layer_1XF in activations]) > 0
    assert np.array_equal(metric.embedding(backbone, prompt, None, metric.Options()) > 0, expected.numpy())
    assert 0 < expected.float().mean() < 1


def test_neuron_overlap_names_a_backbone_whose_tokenizer_leaves_nothing_of_an_empty_text() -> None:
    backbone, metric = random_backbone("llama", around=()), get_metric("on")
    with pytest.raises(InputError, match=r"the metric 'on' reads an empty text, of which the tokenizer of .*'llama'"):
        metric.embedding(backbone, a_prompt(1), None, metric.Options())


def test_constant_is_one() -> None:
    metric = get_metric("constant")
    assert metric.similarity(None, None, metric.Options()) == 1.0
