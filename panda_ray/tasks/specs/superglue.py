"""The eight SuperGLUE tasks of the study: columns and label codes as in the Hub's Parquet repository.

Templates follow P-Tuning v2, as the paper does; hyper-parameters are those of its Table I.
"""

from __future__ import annotations

from operator import itemgetter

from panda_ray.errors import InputError
from panda_ray.tasks.kinds import CANDIDATE_RANKING, CLASSIFICATION, MULTIPLE_CHOICE
from panda_ray.tasks.task import HubOrigin, Hyperparameters, Row, TaskSpec

_REPOSITORY = "aps/super_glue"
_REVISION = "3de24cf8022e94f4ee4b9d55a6f539891524d646"

_BLANK = "@placeholder"
_CONNECTIVE = {"cause": "because", "effect": "so"}


def _origin(folder: str) -> HubOrigin:
    return HubOrigin(_REPOSITORY, _REVISION, f"{folder}/train-*.parquet", f"{folder}/validation-*.parquet")


def _wic_text(row: Row) -> str:
    return f"{row['sentence1']} {row['sentence2']} Does {row['word']} have the same meaning in both sentences?"


def _wsc_text(row: Row) -> str:
    return f"{row['span2_text']}: {row['text']}"


def _copa_premises(row: Row) -> tuple[str, str]:
    if row["question"] not in _CONNECTIVE:
        raise InputError(f"column 'question': {row['question']!r} is neither 'cause' nor 'effect'")
    premise = f"{row['premise']} {_CONNECTIVE[row['question']]}"
    return premise, premise


def _copa_choices(row: Row) -> tuple[str, str]:
    return row["choice1"], row["choice2"]


def _multirc_question_and_answer(row: Row) -> str:
    return f"{row['question']} {row['answer']}"


def _record_passage(row: Row) -> str:
    """The article; its summary points begin with a marker line that is markup, not text."""
    passage: str = row["passage"]
    return passage.replace("@highlight\n", "- ")


def _record_candidates(row: Row) -> dict[str, str]:
    """Candidate entity to the query with that entity in the place of the blank."""
    if _BLANK not in row["query"]:
        raise InputError(f"column 'query': {row['query']!r} has no {_BLANK} to put an entity into")
    return {entity: row["query"].replace(_BLANK, entity) for entity in row["entities"]}


BOOLQ = TaskSpec(
    name="boolq",
    group="qa",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("boolq"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=32, epochs=100),
    train_rows=9_000,
    columns=("question", "passage", "label"),
    labels=("False", "True"),
    first=itemgetter("question"),
    second=itemgetter("passage"),
)

CB = TaskSpec(
    name="cb",
    group="nli",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("cb"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=16, epochs=100),
    train_rows=250,
    columns=("premise", "hypothesis", "label"),
    labels=("entailment", "contradiction", "neutral"),
    first=itemgetter("premise"),
    second=itemgetter("hypothesis"),
    is_target=True,
)

RTE = TaskSpec(
    name="rte",
    group="nli",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("rte"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=32, epochs=60),
    train_rows=2_000,
    columns=("premise", "hypothesis", "label"),
    labels=("entailment", "not_entailment"),
    first=itemgetter("premise"),
    second=itemgetter("hypothesis"),
    is_target=True,
)

WIC = TaskSpec(
    name="wic",
    group="other",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("wic"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=16, epochs=80),
    train_rows=5_000,
    columns=("word", "sentence1", "sentence2", "label"),
    labels=("False", "True"),
    first=_wic_text,
    is_target=True,
)

WSC = TaskSpec(
    name="wsc",
    group="nli",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("wsc.fixed"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=16, epochs=80),
    train_rows=554,
    columns=("text", "span1_text", "span2_text", "label"),
    labels=("False", "True"),
    first=_wsc_text,
    second=itemgetter("span1_text"),
    is_target=True,
)

COPA = TaskSpec(
    name="copa",
    group="qa",
    kind=MULTIPLE_CHOICE,
    measure="accuracy",
    origin=_origin("copa"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=16, epochs=80),
    train_rows=400,
    columns=("premise", "choice1", "choice2", "question", "label"),
    labels=("choice1", "choice2"),
    first=_copa_premises,
    second=_copa_choices,
    is_target=True,
)

MULTIRC = TaskSpec(
    name="multirc",
    group="qa",
    kind=CLASSIFICATION,
    measure="f1",
    origin=_origin("multirc"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=32, epochs=40),
    train_rows=27_000,
    columns=("paragraph", "question", "answer", "label"),
    labels=("False", "True"),
    first=itemgetter("paragraph"),
    second=_multirc_question_and_answer,
)

RECORD = TaskSpec(
    name="record",
    group="qa",
    kind=CANDIDATE_RANKING,
    measure="record_f1",
    origin=_origin("record"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=16, epochs=5),
    train_rows=25_000,
    columns=("passage", "query", "entities", "answers"),
    labels=("False", "True"),
    first=_record_passage,
    second=_record_candidates,
    label_column="answers",
    note="Table I counts 25K training rows; the published set has 100,730 queries.",
)

SUPERGLUE_TASKS = (BOOLQ, CB, RTE, WIC, WSC, COPA, MULTIRC, RECORD)
