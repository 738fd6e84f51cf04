"""Generated suites: the same rows everywhere, splits that share nothing, labels that no shortcut gives away."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import pytest

from panda_ray.tasks.kinds import CLASSIFICATION, EXTRACTIVE_QA, MULTIPLE_CHOICE, TAGGING
from panda_ray.tasks.specs.builtin import BUILTIN_TASKS
from panda_ray.tasks.specs.heldout import HELDOUT_TASKS
from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import KINDS, LEXICON, Lexicon
from panda_ray.tasks.suite.rows import TEXT_COLUMNS
from panda_ray.tasks.task import BuiltinOrigin, TaskSpec

GOLDEN = {
    "review": "c5e7f9bcfdfe51f1",
    "rating": "f1fdc21efc8d659d",
    "remark": "6e66149d0ec68d24",
    "paraphrase": "34fff1a2aaeac66d",
    "likeness": "c5b783b8559b343f",
    "duplicate": "796bacae0da4bd68",
    "kinds": "e0bdfec61bcea06a",
    "follows": "79c0876157dc1253",
    "choice": "34d949605eb4738e",
    "names": "3a03c5bf886a9135",
    "roles": "f5cca20382d3ba01",
    "bulletin": "958168c38604d2b9",
    "reading": "10814869f0db4bc3",
    "lookup": "bc75f8281a2d5dcc",
    "heldout_mood": "ffa568cd4061c238",
    "heldout_strength": "57b988482e4e3934",
    "heldout_trend": "1434431090d22348",
    "heldout_verdict": "a027b660333db89f",
    "heldout_handled": "3d28a31eb62a76a2",
    "heldout_possible": "2305d5ab72a85522",
    "heldout_fit": "4e49154a7b663119",
    "heldout_alike": "6972d5f4e806cb48",
    "heldout_suited": "96a4e296eececd32",
    "heldout_praise": "6e41850a74333d9a",
    "heldout_goods": "bf0a448425004106",
    "heldout_remarks": "bf90faf06f565769",
    "heldout_ledger": "4e581f392d57ff02",
    "heldout_errand": "0d7e4c93c937b808",
}
"""How the sha256 of each task's rows begins."""

GENERATED = (*BUILTIN_TASKS, *HELDOUT_TASKS)
every_task = pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)


def rows_of(spec: TaskSpec, split: str) -> list[dict[str, Any]]:
    assert isinstance(spec.origin, BuiltinOrigin)
    return spec.origin.generate(split)


def texts_of(row: dict[str, Any]) -> list[str]:
    return [" ".join(row[column]) if column == "tokens" else row[column] for column in row if column in TEXT_COLUMNS]


@every_task
def test_rows_are_the_same_on_every_machine(spec: TaskSpec) -> None:
    rows = [rows_of(spec, "train"), rows_of(spec, "validation")]
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16] == GOLDEN[spec.name]
    assert rows == [rows_of(spec, "train"), rows_of(spec, "validation")]


@every_task
def test_no_text_is_in_both_splits_or_twice(spec: TaskSpec) -> None:
    texts = [tuple(texts_of(row)) for split in ("train", "validation") for row in rows_of(spec, split)]
    assert len(set(texts)) == len(texts)


@every_task
def test_published_columns_and_row_counts_hold(spec: TaskSpec) -> None:
    train = rows_of(spec, "train")
    assert len(train) == spec.train_rows
    assert all(set(row) == set(spec.columns) for row in (*train, *rows_of(spec, "validation")))


@pytest.mark.parametrize(
    "spec", [spec for spec in GENERATED if spec.kind in (CLASSIFICATION, MULTIPLE_CHOICE)], ids=lambda s: s.name
)
def test_classes_are_balanced(spec: TaskSpec) -> None:
    for split in ("train", "validation"):
        counts = Counter(row["label"] for row in rows_of(spec, split))
        assert set(counts) == set(range(len(spec.labels)))
        assert max(counts.values()) / sum(counts.values()) < 1.35 / len(spec.labels)


@pytest.mark.parametrize(
    "spec", [spec for spec in GENERATED if spec.is_target and spec.kind is CLASSIFICATION], ids=lambda s: s.name
)
@pytest.mark.parametrize("feature", ["first_word", "last_word", "length"])
def test_no_shallow_feature_gives_a_targets_label_away(spec: TaskSpec, feature: str) -> None:
    """The majority label of each value of the feature, learned on the training rows, is hardly better than chance."""

    def value(row: dict[str, Any]) -> str:
        words = " ".join(texts_of(row)).split()
        return {"first_word": words[0], "last_word": words[-2], "length": str(len(words))}[feature]

    seen: dict[str, Counter[int]] = {}
    for row in rows_of(spec, "train"):
        seen.setdefault(value(row), Counter())[row["label"]] += 1
    dev = rows_of(spec, "validation")
    right = sum(seen[value(row)].most_common(1)[0][0] == row["label"] if value(row) in seen else 0.5 for row in dev)
    assert right / len(dev) < 0.6


@pytest.mark.parametrize("spec", [spec for spec in GENERATED if spec.is_target], ids=lambda spec: spec.name)
def test_dev_rows_of_targets_hold_no_content_word_of_their_training_rows(spec: TaskSpec) -> None:
    content = set(LEXICON.words)
    used = [
        {word for row in rows_of(spec, split) for text in texts_of(row) for word in text.split() if word in content}
        for split in ("train", "validation")
    ]
    assert used[0]
    assert used[1]
    assert not used[0] & used[1]


@pytest.mark.parametrize("spec", [spec for spec in GENERATED if spec.kind is EXTRACTIVE_QA], ids=lambda s: s.name)
def test_answers_stand_where_the_rows_say(spec: TaskSpec) -> None:
    rows = rows_of(spec, "train")
    unanswered = 0
    for row in rows:
        unanswered += not row["answers"]["text"]
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert f" {row['context']}"[start:].startswith(f" {text} ")
    assert 0.05 < unanswered / len(rows) < 0.2


@pytest.mark.parametrize("spec", [spec for spec in GENERATED if spec.kind is TAGGING], ids=lambda s: s.name)
def test_tags_are_well_formed_and_every_type_is_in_use(spec: TaskSpec) -> None:
    rows = rows_of(spec, "train")
    used = {spec.labels[tag] for row in rows for tag in row["tags"]}
    assert {name for name in spec.labels if name.startswith("B-")} <= used
    for row in rows:
        names = [spec.labels[tag] for tag in row["tags"]]
        assert len(names) == len(row["tokens"])
        for before, name in zip(["O", *names], names, strict=False):
            assert not name.startswith("I-") or before[2:] == name[2:]


@pytest.mark.parametrize("suite", [BUILTIN_TASKS, HELDOUT_TASKS], ids=["builtin", "heldout"])
def test_a_suite_is_wide_enough_for_a_study(suite: tuple[TaskSpec, ...]) -> None:
    sources = [spec for spec in suite if spec.is_source]
    targets = [spec for spec in suite if spec.is_target]
    assert len(sources) >= 8
    assert len(targets) >= 4
    assert {spec.group for spec in targets} <= {spec.group for spec in sources}
    assert len({spec.group for spec in targets}) >= 3
    assert all(spec.train_rows < 500 for spec in targets)
    kinds = {"classification", "regression", "multiple_choice", "tagging", "extractive_qa"}
    assert {spec.kind.name for spec in suite} == kinds


def test_halves_of_the_lexicon_share_no_word() -> None:
    halves: list[Lexicon] = [LEXICON.half(0), LEXICON.half(1)]
    assert set(halves[0].words) | set(halves[1].words) == set(LEXICON.words)
    assert not set(halves[0].words) & set(halves[1].words)
    assert len(set(LEXICON.words)) == len(LEXICON.words)


def test_the_held_out_suite_halves_the_same_lexicon_otherwise() -> None:
    dealt = LEXICON.dealt_anew("held out")
    assert sorted(dealt.words) == sorted(LEXICON.words)
    halves: list[Lexicon] = [dealt.half(0), dealt.half(1)]
    assert not set(halves[0].words) & set(halves[1].words)
    assert 0.3 < len(set(halves[0].words) & set(LEXICON.half(0).words)) / len(halves[0].words) < 0.7
    for half in halves:
        assert {quality.value for quality in half.qualities} == {-2, -1, 1, 2}
        assert {thing.kind for thing in half.things} == {deed.patient for deed in half.deeds} == set(KINDS)
        assert {reaction.value for reaction in half.reactions} == {-1, 1}


def test_draws_are_pinned() -> None:
    draw = Draw("pinned")
    assert [draw.below(1000) for _ in range(3)] == [362, 902, 592]
