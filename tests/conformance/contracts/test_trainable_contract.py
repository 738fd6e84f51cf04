"""What every trainable must keep, those of tests included: the engine trains them as it trains prefixes.

A new trainable is tested by being a file of its room, and by an example here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training import trainables
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation, Member, MemberResult
from panda_ray.training.trainables.attended_outputs import AttendedOutputs
from panda_ray.training.trainables.attended_prompts import AttendedPrompts
from panda_ray.training.trainables.bottleneck_adapters import BottleneckAdapters
from panda_ray.training.trainables.mlp_prefixes import MlpPrefixes
from panda_ray.training.trainables.model_weights import ModelWeights
from panda_ray.training.trainables.prefix import Prefixes, prefix_part
from panda_ray.training.trainables.trainable import Part, Pass, Stacking, Trainable, stacked
from panda_ray.training.trainables.virtual_tokens import virtual_tokens_part
from support.trained.models import random_backbone, random_tokens
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG, Slot, assert_same

SEAM = {"trainable", "leaves", "row_queries"}
"""Files of the room that hold no trainable."""


@dataclass(frozen=True)
class Example:
    """A trainable with parts for tests, of which no two are alike.

    Attributes:
        numbers: that one member trains below its head.
        read_by: what reads its artifacts, if it is another trainable.
        unread: leaves that no head of tokens reads.
        unmoved: leaves whose gradient is rounding alone, of which Adam makes steps: a softmax ignores a shift.
    """

    name: str
    part: Callable[[int], Part]
    numbers: int
    read_by: Stacking | None = None
    unread: str = "-"
    unmoved: str = "-"

    def parts(self, count: int) -> list[Part]:
        return [self.part(seed) for seed in range(count)]


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mlp_part(seed: int) -> Part:
    shapes = {"embedding": (5, 32), "down.weight": (6, 32), "down.bias": (6,), "up.weight": (192, 6), "up.bias": (192,)}
    tensors = {name: 0.3 * noise(10 * seed + index, *shape) for index, (name, shape) in enumerate(shapes.items())}
    return Part(MlpPrefixes, {**tensors, "prefix_shape": torch.tensor([3, 4, 8])})


def attended_part(seed: int) -> Part:
    """Members with two and three sources, and an attention that is far from even."""
    shapes = {"down": (6, 32), "up": (32, 6), "norm.weight": (32,), "norm.bias": (32,)}
    tensors = {name: noise(10 * seed + index, *shape) for index, (name, shape) in enumerate(shapes.items())}
    own = {"sources": prefixes(seed, 2 + seed % 2), "target": prefixes(seed + 50, 1)[0]}
    return Part(AttendedPrompts, {**tensors, **own, "temperature": torch.tensor(4.0)})


def attended_outputs_part(seed: int) -> Part:
    """Likewise; so many outputs as the heads of these tests read features."""
    count = 2 + seed % 2
    shapes = {
        "source.weight": (count, 32, 32),
        "source.bias": (count, 32),
        "query.down": (6, 32),
        "query.up": (32, 6),
        "query.norm.weight": (32,),
        "query.norm.bias": (32,),
        "key.down": (6, 32),
        "key.up": (32, 6),
        "key.norm.weight": (32,),
    }
    tensors = {name: noise(10 * seed + index, *shape) for index, (name, shape) in enumerate(shapes.items())}
    return Part(AttendedOutputs, {**tensors, "sources": prefixes(seed, count)})


def adapters_part(seed: int) -> Part:
    shapes = {"down.weight": (3, 2, 32, 6), "down.bias": (3, 2, 6), "up.weight": (3, 2, 6, 32), "up.bias": (3, 2, 32)}
    tensors = {name: 0.3 * noise(10 * seed + index, *shape) for index, (name, shape) in enumerate(shapes.items())}
    return Part(BottleneckAdapters, tensors)


def weights_part(seed: int) -> Part:
    """Biases are not 0, because what rounding does to them is compared with their size."""
    weights = random_backbone().weights
    return Part(ModelWeights, {name: weight + 0.1 * noise(seed, *weight.shape) for name, weight in weights.items()})


def prefixes(seed: int, count: int) -> Tensor:
    return random_prefixes(random_backbone(), count, seed=seed)


EXAMPLES = (
    Example("prefix", lambda seed: prefix_part(prefixes(seed, 1)[0]), numbers=3 * 2 * 4 * 5 * 8),
    Example("prefix of an MLP", mlp_part, numbers=5 * 32 + 6 * 33 + 192 * 7, read_by=Prefixes),
    Example(
        "model weights",
        weights_part,
        numbers=sum(weight.numel() for weight in random_backbone().weights.values()),
        unread="pooler",
        unmoved="key.bias",
    ),
    Example("attended prompts", attended_part, numbers=3 * 2 * 4 * 5 * 8 + 6 * 32 + 32 * 6 + 2 * 32),
    Example("attended outputs", attended_outputs_part, numbers=4 * 6 * 32 + 3 * 32),
    Example("bottleneck adapters", adapters_part, numbers=3 * 2 * (32 * 6 + 6 + 6 * 32 + 32)),
    Example("virtual tokens", lambda seed: virtual_tokens_part(noise(seed, 4, 32)), numbers=4 * 32),
    Example("virtual tokens, twice", lambda seed: virtual_tokens_part(noise(seed, 4, 32), True), numbers=4 * 32),
)
every_trainable = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
each_reading = pytest.mark.parametrize("pooled_only", [True, False], ids=["pooled", "tokens"])


def test_every_trainable_of_the_package_has_an_example() -> None:
    files = {module.name for module in pkgutil.iter_modules(trainables.__path__)} - SEAM
    tested = {example.part(0).stacking.__module__.rpartition(".")[2] for example in EXAMPLES}
    assert files == tested, f"give {sorted(files - tested)} an example"


def blocks(members: int) -> list[Tokens]:
    """Two blocks of unequal size and padding."""
    return [random_tokens([4, 4], members), random_tokens([7, 9, 12], members, seed=1)]


def read(trainable: Trainable, members: int, pooled_only: bool) -> Tensor:
    """What heads read of every member's rows or tokens, (S, X, D); padding is zero."""
    features = trainable.features(Pass(random_backbone(), pooled_only), blocks(members))
    parts = []
    for block, tokens in zip(features, blocks(members), strict=True):
        real_RT1 = (torch.arange(tokens.input_ids_RT.shape[1]) < tokens.lengths_R.unsqueeze(1)).unsqueeze(2)
        read_RXD = block.pooled_RD.unsqueeze(1) if pooled_only else block.hidden_RTD * real_RT1
        parts.append(read_RXD.unflatten(0, (members, -1)).flatten(1, 2))
    return torch.cat(parts, dim=1)


def gradients(example: Example, parts: Sequence[Part], pooled_only: bool) -> dict[str, Tensor]:
    trainable = stacked(parts, CONFIG, random_backbone())
    read_SXD = read(trainable, len(parts), pooled_only)
    (read_SXD * noise(9, *read_SXD.shape[1:])).sum().backward()  # type: ignore[no-untyped-call]
    unread = () if pooled_only else [name for name in trainable.leaves if example.unread in name]
    found = {name: leaf.grad for name, leaf in trainable.leaves.items() if name not in unread}
    assert all(gradient is not None for gradient in found.values())
    return {name: gradient for name, gradient in found.items() if gradient is not None}


def moved(parts: Sequence[Part]) -> Trainable:
    """The parts after a step that moves every entry of every leaf."""
    trainable = stacked(parts, CONFIG, random_backbone())
    with torch.no_grad():
        for seed, leaf in enumerate(trainable.leaves.values()):
            leaf.add_(0.1 * noise(seed, *leaf.shape))
    return trainable


@every_trainable
def test_leaves_have_the_members_in_front_and_hold_so_many_numbers_that_take_gradients(example: Example) -> None:
    leaves = stacked(example.parts(3), CONFIG, random_backbone()).leaves
    assert {(len(leaf), leaf.dtype, leaf.requires_grad, leaf.is_leaf) for leaf in leaves.values()} == {
        (3, torch.float32, True, True)
    }
    assert sum(leaf[0].numel() for leaf in leaves.values()) == example.numbers
    assert not {"head.weight", "head.bias"} & leaves.keys()


@each_reading
@every_trainable
def test_each_members_gradient_is_the_one_that_it_has_alone(example: Example, pooled_only: bool) -> None:
    parts = example.parts(3)
    together = gradients(example, parts, pooled_only)
    for member, part in enumerate(parts):
        for name, gradient in gradients(example, [part], pooled_only).items():
            assert gradient.any()
            assert_close(together[name][member], gradient[0])


@every_trainable
def test_those_that_are_kept_equal_a_stack_of_them_alone_and_can_be_trained(example: Example) -> None:
    parts, rest = example.parts(4), [3, 1]
    trainable, expected = (
        stacked(parts, CONFIG, random_backbone()),
        stacked([parts[member] for member in rest], CONFIG, random_backbone()),
    )
    trainable.keep(rest)
    assert trainable.leaves.keys() == expected.leaves.keys()
    for name, leaf in trainable.leaves.items():
        assert torch.equal(leaf, expected.leaves[name])
        assert leaf.requires_grad
        assert leaf.is_leaf
        assert leaf.untyped_storage().nbytes() == leaf.numel() * 4, "what the others had is freed"
    assert torch.equal(read(trainable, 2, True), read(expected, 2, True))
    again = trainable.artifact(0), expected.artifact(0)
    assert all(torch.equal(tensor, again[1][name]) for name, tensor in again[0].items())


@each_reading
@every_trainable
def test_artifacts_reload_to_the_same_features_and_are_copies(example: Example, pooled_only: bool) -> None:
    parts = example.parts(2)
    trainable = moved(parts)
    artifacts = [trainable.artifact(member) for member in range(2)]
    expected = read(trainable, 2, pooled_only)
    with torch.no_grad():
        for leaf in trainable.leaves.values():
            leaf.zero_()
    reloaded = [
        Part(example.read_by or part.stacking, artifact) for part, artifact in zip(parts, artifacts, strict=True)
    ]
    assert torch.equal(read(stacked(reloaded, CONFIG, random_backbone()), 2, pooled_only), expected)
    assert not torch.allclose(read(stacked(parts, CONFIG, random_backbone()), 2, pooled_only), expected, atol=1e-3), (
        "it had moved"
    )


@every_trainable
def test_without_dropout_nothing_is_drawn_and_with_it_every_pass_differs(example: Example) -> None:
    trainable, run = (
        stacked(example.parts(2), CONFIG, random_backbone()),
        Pass(random_backbone(), pooled_only=True, dropout=0.5),
    )
    before = torch.get_rng_state()
    read(trainable, 2, True)
    assert torch.equal(torch.get_rng_state(), before)
    first, second = (trainable.features(run, blocks(2))[1].pooled_RD for _ in range(2))
    assert not torch.allclose(first, second, atol=1e-3)


def members_of(example: Example, count: int) -> list[Member]:
    """Every second one has a teacher of its kind: with a head of its own, or through the student's."""
    parts, members = example.parts(2 * count), []
    for index in range(count):
        head = {"head.weight": noise(index, 3, 32), "head.bias": noise(index, 3)}
        teacher = Part(parts[index].stacking, {**parts[index].tensors, **head})
        taught = Distillation((teacher,), student_head=index % 4 == 3, weight=0.5) if index % 2 else None
        members.append(Member(f"member {index}", index, 1e-2 / (index + 1), parts[count + index], taught))
    return members


def moved_alone(example: Example, results: Sequence[MemberResult]) -> list[MemberResult]:
    """The results without what rounding alone has moved."""
    moved = [
        {name: tensor for name, tensor in (result.artifact or {}).items() if example.unmoved not in name}
        for result in results
    ]
    return [replace(result, artifact=artifact) for result, artifact in zip(results, moved, strict=True)]


@every_trainable
def test_a_member_trains_in_a_stack_as_it_does_alone(example: Example) -> None:
    backbone, task, members = random_backbone(), toy_task("classification"), members_of(example, 3)
    config = replace(CONFIG, epochs=1)
    together = train_stack(backbone, task, members, config)
    alone = [train_stack(backbone, task, [member], config)[0] for member in members]
    assert_same(*(moved_alone(example, results) for results in (together, alone)), exact=False)
    for member, result in zip(members, together, strict=True):
        assert result.artifact is not None
        start = stacked([member.start], CONFIG, random_backbone())
        names = [name for name in start.leaves if example.unmoved not in name]
        for name in names if example.read_by is None else ("prefix",):
            assert not torch.equal(result.artifact[name], start.artifact(0)[name]), "it is trained"


@pytest.mark.parametrize("kind", ["classification", "tagging"])
@every_trainable
def test_a_stack_that_loses_members_resumes_bit_for_bit_and_leaves_its_starts_alone(
    example: Example, kind: str
) -> None:
    backbone, task, members = random_backbone(), toy_task(kind), members_of(example, 4)
    config, slot = replace(CONFIG, dropout=0.1, max_steps=6), Slot()
    before = [tensor.clone() for member in members for tensor in member.start.tensors.values()]

    def train(slot: Slot) -> list[MemberResult]:
        def stops(report: EpochReport) -> list[str]:
            return ["member 1"] if report.epoch == 1 else []

        return train_stack(backbone, task, members, config, checkpoint=slot, checkpoint_seconds=0, on_epoch=stops)

    results = train(slot)
    assert [(result.error, result.stopped) for result in results] == [(None, index == 1) for index in range(4)]
    for state in (slot.saved[1], slot.saved[-2]):
        assert_same(train(Slot(state)), results, exact=True)
    inputs = [tensor for member in members for tensor in member.start.tensors.values()]
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(inputs, before, strict=True))
    assert all(weight.grad is None for weight in backbone._model.parameters())
