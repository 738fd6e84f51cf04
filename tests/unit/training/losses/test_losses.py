"""Losses against formulas written out by hand, in plain Python."""

from __future__ import annotations

import math

import pytest
import torch

from panda_ray.tasks.kinds import CLASSIFICATION, EXTRACTIVE_QA, MULTIPLE_CHOICE, REGRESSION, TAGGING
from panda_ray.testing.closeness import rounding
from panda_ray.training.engine.losses.distillation import distillation_loss, mixture
from panda_ray.training.engine.losses.step_losses import label_counts
from panda_ray.training.member import Distillation, KdLoss
from panda_ray.training.trainables.prefix import prefix_part

TEACHER = [[2.0, -1.0, 0.5], [0.0, 0.3, -0.7]]
STUDENT = [[1.0, 0.2, -0.5], [-0.4, 0.9, 0.1]]
LOSSES: tuple[KdLoss, ...] = ("mse_prob", "mse_logit", "kl", "ce")


def softmax(logits: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in logits)
    return [math.exp(value) / total for value in logits]


def by_hand(loss: KdLoss, teacher: list[float], student: list[float], temperature: float = 1.0) -> float:
    if loss == "mse_logit":
        return sum((a - b) ** 2 for a, b in zip(teacher, student, strict=True))
    p, q = (softmax([value / temperature for value in logits]) for logits in (teacher, student))
    if loss == "mse_prob":
        divergence = sum((a - b) ** 2 for a, b in zip(p, q, strict=True))
    elif loss == "kl":
        divergence = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    else:
        divergence = -sum(a * math.log(b) for a, b in zip(p, q, strict=True))
    return divergence * temperature**2


@pytest.mark.parametrize("temperature", [1.0, 0.5, 4.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_kd_losses_equal_the_formulas(loss: KdLoss, temperature: float) -> None:
    student, teacher = torch.tensor([STUDENT, TEACHER]), torch.tensor([TEACHER, STUDENT])
    labels = torch.tensor([[0, 1], [1, 1]])
    got_S = distillation_loss(CLASSIFICATION, loss, student, teacher, labels, temperature=temperature)
    forth = sum(by_hand(loss, *pair, temperature) for pair in zip(TEACHER, STUDENT, strict=True))
    back = sum(by_hand(loss, *pair, temperature) for pair in zip(STUDENT, TEACHER, strict=True))
    assert got_S.tolist() == pytest.approx([forth, back], rel=rounding(torch.float32))


@pytest.mark.parametrize("loss", ["mse_prob", "kl", "ce"])
def test_the_temperature_leaves_gradients_at_their_size(loss: KdLoss) -> None:
    """At high temperatures they no longer depend on it; without the factor T^2, 16 times hotter is 256 times less."""

    def gradient(temperature: float) -> torch.Tensor:
        student = torch.tensor([STUDENT], requires_grad=True)
        distillation_loss(
            CLASSIFICATION, loss, student, torch.tensor([TEACHER]), torch.zeros(1, 2), temperature=temperature
        ).sum().backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        return student.grad

    torch.testing.assert_close(gradient(320.0), gradient(20.0), rtol=0.3, atol=0)


def test_a_mixture_is_of_distributions_at_the_temperature_and_compared_at_it() -> None:
    said_n = torch.tensor([[TEACHER], [STUDENT]])
    student, labels = torch.tensor([[[0.1, 0.7, -0.2], [0.0, -1.0, 1.0]]]), torch.zeros(1, 2)
    mixed = mixture(CLASSIFICATION, "mse_prob", (0.25, 0.5), said_n, temperature=2.0)
    got = distillation_loss(CLASSIFICATION, "mse_prob", student, mixed, labels, mixed=True, temperature=2.0)
    expected = 0.0
    for t, s, mine in zip(TEACHER, STUDENT, student[0].tolist(), strict=True):
        p, q, own = (softmax([value / 2 for value in logits]) for logits in (t, s, mine))
        expected += 4 * sum((0.25 * a + 0.5 * b - c) ** 2 for a, b, c in zip(p, q, own, strict=True))
    assert got.item() == pytest.approx(expected, rel=rounding(torch.float32))


def test_the_released_code_divides_by_the_batch_once_more() -> None:
    teacher = prefix_part(torch.zeros(0))
    assert Distillation((teacher,), False, 0.5).factor(batch_size=16) == 0.5
    assert Distillation((teacher,), False, 0.5, "mse_logit", "released_code").factor(batch_size=16) == 0.5 / 16


def test_the_sum_over_the_batch_is_its_mean_times_its_examples() -> None:
    teacher = prefix_part(torch.zeros(0))
    assert Distillation((teacher,), False, 0.5, reduction="sum").factor(batch_size=16) == 0.5 * 16


def test_tags_that_do_not_count_are_not_distilled() -> None:
    labels = torch.tensor([[[1, -100]]])
    student, teacher = torch.tensor([[STUDENT]]), torch.tensor([[TEACHER]])
    got = distillation_loss(TAGGING, "kl", student, teacher, labels)
    assert got.item() == pytest.approx(by_hand("kl", TEACHER[0], STUDENT[0]), rel=rounding(torch.float32))


def test_regression_compares_the_outputs_themselves() -> None:
    student, teacher = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[[2.0], [5.0]]])
    assert distillation_loss(REGRESSION, "kl", student, teacher, torch.zeros(1, 2)).item() == pytest.approx(1 + 4)


def test_scores_of_choices_are_those_of_an_examples_own_rows() -> None:
    """Two members, two examples, three choices each."""
    scores = MULTIPLE_CHOICE.outputs(torch.arange(12.0).reshape(2, 6, 1), 3, None)
    assert scores.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_padding_has_no_share_in_the_softmax_over_tokens() -> None:
    """Two rows of three tokens, of which the second has two; each token has a start and an end logit."""
    head_SXC = torch.tensor([[[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [2.0, 1.0], [-1.0, 0.5], [9.0, 8.0]]])
    outputs = EXTRACTIVE_QA.outputs(head_SXC, 1, torch.tensor([3, 2]))
    first = math.log(softmax([1.0, 0.5, 3.0])[1]) + math.log(softmax([2.0, -1.0, 0.0])[2])
    second = math.log(softmax([2.0, -1.0])[0]) + math.log(softmax([1.0, 0.5])[1])
    got = EXTRACTIVE_QA.loss(outputs, torch.tensor([[[1, 2], [0, 1]]]))
    assert got.tolist() == pytest.approx([-first - second], rel=rounding(torch.float32))


def test_task_losses_are_sums_over_what_counts() -> None:
    logits = torch.tensor([[STUDENT], [TEACHER]])  # two members, one example, two tokens
    labels = torch.tensor([[[0, -100]], [[2, 1]]])
    got = TAGGING.loss(logits, labels)
    first = -math.log(softmax(STUDENT[0])[0])
    second = -(math.log(softmax(TEACHER[0])[2]) + math.log(softmax(TEACHER[1])[1]))
    assert got.tolist() == pytest.approx([first, second], rel=rounding(torch.float32))
    assert label_counts(labels).tolist() == [1, 2]
    squared = REGRESSION.loss(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[0.0, 4.0]]))
    assert squared.tolist() == pytest.approx([1 + 4])
