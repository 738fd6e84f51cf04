"""What every kind of task obeys, and that no module outside their room asks which one a task has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import panda_ray
from panda_ray.tasks import TASKS
from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.extent import extent_of
from panda_ray.tasks.kinds import KINDS, PADDING_LOGIT, TaskKind
from panda_ray.tasks.measures.scores import reduce, statistics
from panda_ray.tasks.task import TaskSpec
from support.trained.task_data import rows_of, wordpiece_tokenizer

ROOT = Path(panda_ray.__file__).parent
ROOM = ROOT / "tasks" / "kinds"
CONTRACTS = ROOT / "testing"
"""They hold what each kind must do, so they know the kinds."""
EXAMPLE_TASKS = tuple({spec.kind: spec for spec in TASKS}.values())
"""One task of every kind that any registered task has, those of other packages too."""
every_kind = pytest.mark.parametrize("spec", EXAMPLE_TASKS, ids=lambda spec: spec.kind.name)
MEMBERS = 3


def encoded(spec: TaskSpec, rows: int = 12) -> EncodedSplit:
    return spec.encode(rows_of(spec, rows), wordpiece_tokenizer(), 64)


def random_outputs(spec: TaskSpec, split: EncodedSplit, seed: int = 0) -> Tensor:
    """Outputs (S, E, ..., C) of random heads for all examples of a split."""
    random = torch.Generator().manual_seed(seed)
    rows, tokens = split.input_ids_RT.shape
    read = rows * tokens if spec.kind.reads_tokens else rows
    lengths_R = split.lengths_R.repeat(MEMBERS) if spec.kind.reads_tokens else None
    head_SXC = torch.randn((MEMBERS, read, spec.output_size), generator=random)
    return spec.kind.outputs(head_SXC, split.rows_per_example, lengths_R)


def labels_of(split: EncodedSplit) -> Tensor:
    return split.labels.expand(MEMBERS, *split.labels.shape)


def test_the_packages_own_kinds_are_those_of_its_tasks_and_have_a_name_each() -> None:
    assert {spec.kind for spec in TASKS.own} == set(KINDS)
    assert len({spec.kind.name for spec in EXAMPLE_TASKS}) == len(EXAMPLE_TASKS)


@every_kind
def test_a_row_without_a_label_is_read_like_one_with_it(spec: TaskSpec) -> None:
    labelled = rows_of(spec, 6)
    bare = [{**row, spec.label_column: spec.kind.placeholder(spec, row)} for row in labelled]
    assert [spec.kind.complaint(spec, row) for row in bare] == [None] * len(bare)
    ours, theirs = (spec.encode(rows, wordpiece_tokenizer(), 64) for rows in (bare, labelled))
    assert torch.equal(ours.input_ids_RT, theirs.input_ids_RT)
    assert ours.item_of_example == theirs.item_of_example


@every_kind
def test_the_most_probable_is_what_is_predicted(spec: TaskSpec) -> None:
    split = encoded(spec)
    outputs = random_outputs(spec, split)
    predicted = spec.decode(split, spec.kind.kept(outputs)[0].numpy())
    found = spec.kind.probabilities(spec, split, outputs[0].numpy())
    assert len(found) == len(predicted)
    for prediction, shares in zip(predicted, found, strict=True):
        if isinstance(shares, dict):
            assert max(shares, key=shares.__getitem__) == spec.kind.named(spec, prediction)
            assert all(0 <= share <= 1 for share in shares.values())
        elif isinstance(shares, list):
            assert [share is None or 1 / len(spec.labels) <= share <= 1 for share in shares] == [True] * len(prediction)
        else:
            assert (shares is None) == (not spec.kind.has_softmax)
            assert shares is None or 0 < shares <= 1


@every_kind
def test_a_label_in_normal_form_stays_as_it_is_and_is_not_complained_about(spec: TaskSpec) -> None:
    normal = spec.kind.normal_label(spec) or (lambda label: label)
    for row in rows_of(spec, 8):
        label = normal(row[spec.label_column])
        assert normal(label) == label
        assert spec.kind.complaint(spec, {**row, spec.label_column: label}) is None


@every_kind
@pytest.mark.parametrize("label", [object(), {}, "none of the labels", [object()], float("nan")])
def test_a_label_without_a_meaning_is_left_alone_and_complained_about(spec: TaskSpec, label: Any) -> None:
    normal = spec.kind.normal_label(spec) or (lambda label: label)
    row = {**rows_of(spec, 1)[0], spec.label_column: normal(label)}
    assert spec.kind.complaint(spec, row)


@every_kind
def test_every_value_of_a_label_has_a_name(spec: TaskSpec) -> None:
    for row in rows_of(spec, 8):
        values = spec.kind.values(row[spec.label_column])
        assert len(values) >= 1
        assert all(spec.kind.value_name(spec, value) for value in values)


@every_kind
def test_rows_become_as_many_examples_as_their_texts_say(spec: TaskSpec) -> None:
    rows = rows_of(spec, 12)
    split = spec.encode(rows, wordpiece_tokenizer(), 256)
    extent = extent_of(spec, rows, rows)
    assert split.rows_per_example == extent.rows_per_example
    assert split.examples == len(rows) * extent.examples_per_row(256)
    assert extent.texts_per_row == fmean(len(spec.kind.texts(spec, row)) for row in rows)


@every_kind
def test_outputs_have_one_place_per_label_and_tokens_where_the_kind_says(spec: TaskSpec) -> None:
    split = encoded(spec)
    outputs = random_outputs(spec, split)
    assert outputs.shape[:2] == (MEMBERS, split.examples)
    if spec.kind.token_dim is not None:
        assert outputs.shape[spec.kind.token_dim] == split.input_ids_RT.shape[1]
    assert outputs.shape[2:-1] == split.labels.shape[1:]


@every_kind
def test_a_members_loss_is_a_sum_over_its_examples_that_no_other_member_bears_on(spec: TaskSpec) -> None:
    split = encoded(spec)
    outputs, labels = random_outputs(spec, split).requires_grad_(), labels_of(split)
    loss_S = spec.kind.loss(outputs, labels)
    assert loss_S.shape == (MEMBERS,)
    each = [spec.kind.loss(outputs[:, [e]], labels[:, [e]]) for e in range(split.examples)]
    assert loss_S.tolist() == pytest.approx(torch.stack(each).sum(dim=0).tolist(), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss_S[1], outputs)
    assert gradient[1].abs().sum() > 0
    assert not gradient[[0, 2]].any()


@every_kind
def test_following_the_loss_leads_to_the_right_predictions(spec: TaskSpec) -> None:
    split = encoded(spec)
    outputs, labels = random_outputs(spec, split).requires_grad_(), labels_of(split)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(spec.kind.loss(outputs, labels).sum(), outputs)
        outputs = (outputs - 0.3 * gradient).detach().requires_grad_()
    for kept_E in spec.kind.kept(outputs.detach()).numpy():
        values = spec.decode(split, kept_E)
        assert reduce(spec.measure, statistics(spec.measure, values, split.references)) == pytest.approx(100, abs=0.1)


@every_kind
def test_padding_changes_no_prediction(spec: TaskSpec) -> None:
    split = encoded(spec)
    outputs = random_outputs(spec, split)
    kept = spec.kind.kept(outputs)
    values = spec.decode(split, kept[0].numpy())
    assert len(values) == len(split.references)
    if spec.kind.token_dim is None:
        assert spec.kind.padding == 0
        return
    assert kept.shape[-1] == split.input_ids_RT.shape[1]
    width = [(0, 0)] * (kept.dim() - 2) + [(0, 5)]
    longer = np.pad(kept[0].numpy(), width, constant_values=spec.kind.padding)
    assert spec.decode(split, longer) == values
    assert spec.kind.padding in (0.0, PADDING_LOGIT)


def branches(source: str) -> Iterator[str]:
    """Places in a module that ask which kind a task has.

    A kind may be given (`kind=TAGGING` of a literal) and its name shown, and a group of tasks may be called like one.
    A kind is never compared, nor looked up.
    """
    names = {kind.name for kind in KINDS}
    objects = {name.upper() for name in names} | {type(kind).__name__ for kind in KINDS}
    tree = ast.parse(source)
    words = [word for word in ast.walk(tree) if isinstance(word, ast.keyword)]
    given = {id(word.value) for word in words if word.arg == "kind" and isinstance(word.value, ast.Name)}
    groups = {id(word.value) for word in words if word.arg == "group"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in names and id(node) not in groups:
            yield f"line {node.lineno}: the name {node.value!r}"
        elif isinstance(node, ast.Name) and node.id in objects and id(node) not in given:
            yield f"line {node.lineno}: {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr in objects:
            yield f"line {node.lineno}: {node.attr}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_outside_the_room_asks_for_a_kind(path: Path) -> None:
    if not {ROOM, CONTRACTS} & {*path.parents}:
        assert not list(branches(path.read_text()))


@pytest.mark.parametrize(
    "source",
    [
        'if spec.kind.name == "tagging": pass',
        'MAP = {"multiple_choice": 1}',
        "x = spec.kind is TAGGING",
        "x = spec.kind in (kinds.REGRESSION,)",
        "x = isinstance(spec.kind, ExtractiveQA)",
        'TaskSpec(kind="tagging")',
    ],
)
def test_the_walk_sees_every_way_to_ask(source: str) -> None:
    assert list(branches(source))
    assert not list(branches("TaskSpec(kind=TAGGING)\nshow(spec.kind.name)"))


def test_a_kind_is_an_object_of_its_own_class() -> None:
    assert all(isinstance(kind, TaskKind) and type(kind) is not TaskKind for kind in KINDS)
