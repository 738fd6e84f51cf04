"""LEEP and NCE against their formulas, one row at a time, and the pairs that they are for."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from panda_ray.metrics.pairs.head_metric import HeadMetric, head_shares
from panda_ray.metrics.pairs.leep import LEEP
from panda_ray.metrics.pairs.nce import NCE
from panda_ray.metrics.pairs.pair_features import labelled_places, pair_features
from panda_ray.metrics.pairs.pair_metric import PairOptions, SourcePrompt
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from support.trained.heads import a_source
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_spec, toy_task

both = pytest.mark.parametrize("metric", [LEEP(), NCE()], ids=lambda metric: metric.name)


def told(rows: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four labels of a source, one of them never the likeliest, and three labels that they tell of."""
    draw = np.random.default_rng(seed)
    label_X = np.concatenate([[0, 1, 2], draw.choice(3, size=rows - 3, p=[0.6, 0.3, 0.1])])
    logit_XC = draw.normal(size=(rows, 4)) + 2 * draw.normal(size=(3, 4))[label_X] - np.array([0, 0, 0, 9])
    share_XC = np.exp(logit_XC)
    return share_XC / share_XC.sum(axis=1, keepdims=True), label_X


def entropy(label_X: np.ndarray) -> float:
    return -sum(count / len(label_X) * math.log(count / len(label_X)) for count in Counter(label_X.tolist()).values())


def test_leep_is_its_formula_row_by_row() -> None:
    share_XC, label_X = told()
    rows, labels = len(label_X), range(4)
    joint = {
        (y, z): sum(share_XC[x, z] for x in range(rows) if label_X[x] == y) / rows for y in range(3) for z in labels
    }
    marginal = {z: sum(joint[y, z] for y in range(3)) for z in labels}
    leep = 0.0
    for x in range(rows):
        leep += math.log(sum(joint[label_X[x], z] / marginal[z] * share_XC[x, z] for z in labels)) / rows
    assert -entropy(label_X) < leep < 0
    assert LEEP().score(share_XC, label_X) == pytest.approx(1 + leep / entropy(label_X), rel=1e-9)


def test_nce_is_its_formula_row_by_row() -> None:
    share_XC, label_X = told()
    said_X = [max(range(4), key=lambda z, x=x: share_XC[x, z]) for x in range(len(label_X))]
    pairs, said = Counter(zip(label_X.tolist(), said_X, strict=True)), Counter(said_X)
    nce = sum(count / len(label_X) * math.log(count / said[z]) for (_, z), count in pairs.items())
    assert -entropy(label_X) < nce < 0
    assert NCE().score(share_XC, label_X) == pytest.approx(1 + nce / entropy(label_X), rel=1e-9)


@both
def test_labels_that_the_source_tells_for_certain_give_1_and_those_it_says_nothing_of_give_0(
    metric: HeadMetric,
) -> None:
    _, label_X = told()
    certain_XC = np.eye(5)[[4, 0, 2]][label_X]
    assert metric.score(certain_XC, label_X) == pytest.approx(1)
    assert metric.score(np.full((50, 5), 0.2), label_X) == pytest.approx(0, abs=1e-12)


@both
def test_the_scale_is_not_left_and_names_and_order_do_not_matter(metric: HeadMetric) -> None:
    draw = np.random.default_rng(1)
    for _ in range(50):
        share_XC = draw.dirichlet(np.full(6, 0.2), size=30)
        label_X = draw.permutation(np.repeat([3, 8], [27, 3]))
        order = draw.permutation(30)
        score = metric.score(share_XC, label_X)
        assert 0 <= score <= 1
        assert metric.score(share_XC[order][:, ::-1], -label_X[order]) == pytest.approx(score, rel=1e-9, abs=1e-12)


@both
@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_judged_are_sources_whose_head_names_labels_of_what_the_target_labels_and_others_are_0(
    metric: HeadMetric, source: str, target: str
) -> None:
    of_texts = ("classification", "candidate_ranking")
    expected = (source in of_texts and target in (*of_texts, "multiple_choice")) or (
        source == "tagging" and target in ("tagging", "extractive_qa")
    )
    spec, task = toy_spec(source), toy_task(target, train=40)
    assert metric.judges(spec, task.spec) == expected
    [kept] = metric.pairs(random_backbone(), [a_source(source, task, 1)], task, PairOptions())
    assert (kept[0] > 0) == expected


def test_the_head_is_the_one_that_was_trained_with_the_prompt_and_reads_what_it_read_in_training() -> None:
    backbone, task = random_backbone(), toy_task("multiple_choice", train=20)
    sources = [
        SourcePrompt(toy_spec("classification"), Prompt(prefix, torch.randn(3, 32), torch.randn(3)))
        for prefix in random_prefixes(backbone, 2, seed=1)
    ]
    example_B, labelled = labelled_places(task, 1000, seed=0)
    feature_SXD = pair_features(backbone, [each.prompt for each in sources], task, example_B, labelled, "pooler")
    kept = LEEP().pairs(backbone, sources, task, PairOptions())
    for (_, prompt), feature_XD, found in zip(sources, feature_SXD, kept, strict=True):
        logit_XC = torch.from_numpy(feature_XD) @ prompt.head_weight_CD.T + prompt.head_bias_C
        share_XC = torch.softmax(logit_XC.double(), dim=1).numpy()
        np.testing.assert_allclose(head_shares(prompt, feature_XD), share_XC, rtol=1e-4)
        assert found[0] == pytest.approx(LEEP().score(share_XC, labelled.label_X), rel=1e-3)
