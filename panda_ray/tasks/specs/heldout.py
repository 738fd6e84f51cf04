"""The held-out suite: what nothing was chosen on, to confirm by it what was chosen on the built-in suite.

Its tasks are made as those of the built-in suite are, under other rules (`suite/heldout/`), and trained with the same
hyper-parameters. They are read by the same backbone, and say nothing about others.
"""

from __future__ import annotations

from operator import itemgetter

from panda_ray.tasks.kinds import CLASSIFICATION, EXTRACTIVE_QA, MULTIPLE_CHOICE, REGRESSION, TAGGING
from panda_ray.tasks.specs.builtin import DEV_ROWS, MATCHING_SOURCE, SOURCE, TARGET
from panda_ray.tasks.suite.entities import bio_labels
from panda_ray.tasks.suite.heldout import errands, handling, marks, moods, pairings
from panda_ray.tasks.suite.lexicon import KINDS, LEXICON
from panda_ray.tasks.suite.rows import MakeRow, generator
from panda_ray.tasks.task import BuiltinOrigin, TaskSpec

_WORDS = LEXICON.dealt_anew("held out")


def _origin(name: str, make_row: MakeRow, train_rows: int, *, held_out_words: bool = False) -> BuiltinOrigin:
    return BuiltinOrigin(generator(name, make_row, train_rows, DEV_ROWS, held_out_words=held_out_words, lexicon=_WORDS))


MOOD = TaskSpec(
    name="heldout_mood",
    group="moods",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_mood", moods.mood_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("sentence", "label"),
    labels=("sad", "glad"),
    first=itemgetter("sentence"),
)

STRENGTH = TaskSpec(
    name="heldout_strength",
    group="moods",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_strength", moods.strength_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("sentence", "label"),
    labels=("weak", "strong"),
    first=itemgetter("sentence"),
)

TREND = TaskSpec(
    name="heldout_trend",
    group="moods",
    kind=REGRESSION,
    measure="pearson_spearman_mean",
    origin=_origin("heldout_trend", moods.trend_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("sentence", "label"),
    first=itemgetter("sentence"),
)

VERDICT = TaskSpec(
    name="heldout_verdict",
    group="moods",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_verdict", moods.verdict_row, 160, held_out_words=True),
    hyperparameters=TARGET,
    train_rows=160,
    columns=("sentence", "label"),
    labels=("bad", "good"),
    first=itemgetter("sentence"),
    is_source=False,
    is_target=True,
)

HANDLED = TaskSpec(
    name="heldout_handled",
    group="handling",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_handled", handling.handled_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("sentence", "label"),
    labels=KINDS,
    first=itemgetter("sentence"),
)

POSSIBLE = TaskSpec(
    name="heldout_possible",
    group="handling",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_possible", handling.possible_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("premise", "hypothesis", "label"),
    labels=("no", "yes"),
    first=itemgetter("premise"),
    second=itemgetter("hypothesis"),
)

FIT = TaskSpec(
    name="heldout_fit",
    group="handling",
    kind=MULTIPLE_CHOICE,
    measure="accuracy",
    origin=_origin("heldout_fit", handling.fit_row, 80, held_out_words=True),
    hyperparameters=TARGET,
    train_rows=80,
    columns=("premise", "choice1", "choice2", "label"),
    labels=("choice1", "choice2"),
    first=itemgetter("premise", "premise"),
    second=itemgetter("choice1", "choice2"),
    is_source=False,
    is_target=True,
)

ALIKE = TaskSpec(
    name="heldout_alike",
    group="pairings",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_alike", pairings.alike_row, 2000),
    hyperparameters=MATCHING_SOURCE,
    train_rows=2000,
    columns=("sentence1", "sentence2", "label"),
    labels=("different", "same"),
    first=itemgetter("sentence1"),
    second=itemgetter("sentence2"),
)

SUITED = TaskSpec(
    name="heldout_suited",
    group="pairings",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("heldout_suited", pairings.suited_row, 60, held_out_words=True),
    hyperparameters=TARGET,
    train_rows=60,
    columns=("sentence1", "sentence2", "label"),
    labels=("different", "same"),
    first=itemgetter("sentence1"),
    second=itemgetter("sentence2"),
    is_source=False,
    is_target=True,
)

PRAISE = TaskSpec(
    name="heldout_praise",
    group="marks",
    kind=TAGGING,
    measure="span_f1",
    origin=_origin("heldout_praise", marks.praise_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("tokens", "tags"),
    labels=bio_labels(marks.PRAISE_TYPES),
    first=itemgetter("tokens"),
    label_column="tags",
)

GOODS = TaskSpec(
    name="heldout_goods",
    group="marks",
    kind=TAGGING,
    measure="span_f1",
    origin=_origin("heldout_goods", marks.goods_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("tokens", "tags"),
    labels=bio_labels(marks.GOODS_TYPES),
    first=itemgetter("tokens"),
    label_column="tags",
)

REMARKS = TaskSpec(
    name="heldout_remarks",
    group="marks",
    kind=TAGGING,
    measure="span_f1",
    origin=_origin("heldout_remarks", marks.remarks_row, 24, held_out_words=True),
    hyperparameters=TARGET,
    train_rows=24,
    columns=("tokens", "tags"),
    labels=bio_labels(marks.PRAISE_TYPES),
    first=itemgetter("tokens"),
    label_column="tags",
    is_source=False,
    is_target=True,
)

LEDGER = TaskSpec(
    name="heldout_ledger",
    group="errands",
    kind=EXTRACTIVE_QA,
    measure="squad_f1",
    origin=_origin("heldout_ledger", errands.ledger_row, 2000),
    hyperparameters=SOURCE,
    train_rows=2000,
    columns=("context", "question", "answers"),
    first=itemgetter("question"),
    second=itemgetter("context"),
    label_column="answers",
    template_version=2,
)

ERRAND = TaskSpec(
    name="heldout_errand",
    group="errands",
    kind=EXTRACTIVE_QA,
    measure="squad_f1",
    origin=_origin("heldout_errand", errands.errand_row, 160, held_out_words=True),
    hyperparameters=TARGET,
    train_rows=160,
    columns=("context", "question", "answers"),
    first=itemgetter("question"),
    second=itemgetter("context"),
    label_column="answers",
    template_version=2,
    is_source=False,
    is_target=True,
)

HELDOUT_TASKS: tuple[TaskSpec, ...] = (
    MOOD,
    STRENGTH,
    TREND,
    VERDICT,
    HANDLED,
    POSSIBLE,
    FIT,
    ALIKE,
    SUITED,
    PRAISE,
    GOODS,
    REMARKS,
    LEDGER,
    ERRAND,
)
