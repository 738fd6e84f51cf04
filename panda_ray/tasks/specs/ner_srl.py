"""Tagging tasks: named entities (CoNLL03, CoNLL04, OntoNotes) and semantic roles (CoNLL05, CoNLL12).

All but CoNLL04 are licensed; `conversion/conll.py` converts the distributed column files. Semantic role labelling has
one row per predicate, and the predicate word is appended to the text. Hyper-parameters are those of Table I.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from panda_ray.tasks.kinds import TAGGING
from panda_ray.tasks.task import HubOrigin, Hyperparameters, Row, TaskSpec, UserOrigin

_CONLL04_TYPES = ("Loc", "Peop", "Org", "Other")
_CONLL03_TYPES = ("PER", "ORG", "LOC", "MISC")
_ONTONOTES_TYPES = (
    *("PERSON", "NORP", "FAC", "ORG", "GPE", "LOC", "PRODUCT", "DATE", "TIME", "PERCENT", "MONEY", "QUANTITY"),
    *("ORDINAL", "CARDINAL", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE"),
)
_PROPBANK_CORE = ("V", "A0", "A1", "A2", "A3", "A4", "A5", "AA")
_CONLL05_MODIFIERS = ("ADV", "CAU", "DIR", "DIS", "EXT", "LOC", "MNR", "MOD", "NEG", "PNC", "PRD", "REC", "TM", "TMP")
_CONLL12_MODIFIERS = (
    *("ADJ", "ADV", "CAU", "COM", "DIR", "DIS", "DSP", "EXT", "GOL", "LOC", "LVB", "MNR", "MOD", "NEG"),
    *("PNC", "PRD", "PRP", "PRR", "PRX", "REC", "TMP"),
)


def _bio(types: Iterable[str]) -> tuple[str, ...]:
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))


def _roles(core: Iterable[str]) -> tuple[str, ...]:
    """Roles, their continuations (C-) and their references (R-)."""
    return tuple(prefix + role for prefix in ("", "C-", "R-") for role in core)


_CONLL05_ROLES = _roles((*_PROPBANK_CORE, "AM", *(f"AM-{kind}" for kind in _CONLL05_MODIFIERS)))
_CONLL12_ROLES = _roles(
    (
        *(core.replace("A", "ARG", 1) for core in _PROPBANK_CORE),
        *(f"ARGM-{kind}" for kind in _CONLL12_MODIFIERS),
    )
)


def conll04_row(row: Row) -> dict[str, Any]:
    """A row of the Hub's CoNLL04 (typed token spans, end exclusive) with the spans as BIO tags."""
    tags = ["O"] * len(row["tokens"])
    for entity in row["entities"]:
        start, end = entity["start"], entity["end"]
        tags[start:end] = [f"B-{entity['type']}", *[f"I-{entity['type']}"] * (end - start - 1)]
    return {"tokens": row["tokens"], "ner_tags": tags}


CONLL03 = TaskSpec(
    name="conll03",
    group="ner",
    kind=TAGGING,
    measure="span_f1",
    origin=UserOrigin("Reuters news under the RCV1 terms; NIST distributes the text"),
    hyperparameters=Hyperparameters(lr=3e-2, batch_size=16, epochs=30),
    train_rows=14_000,
    columns=("tokens", "ner_tags"),
    labels=_bio(_CONLL03_TYPES),
    first=itemgetter("tokens"),
    label_column="ner_tags",
)

CONLL04 = TaskSpec(
    name="conll04",
    group="ner",
    kind=TAGGING,
    measure="span_f1",
    origin=HubOrigin(
        "DFKI-SLT/conll04",
        "refs/convert/parquet",
        "default/train/*.parquet",
        "default/validation/*.parquet",
        adapt=conll04_row,
    ),
    hyperparameters=Hyperparameters(lr=2e-2, batch_size=32, epochs=40),
    train_rows=928,
    columns=("tokens", "ner_tags"),
    labels=("O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in _CONLL04_TYPES)),
    first=itemgetter("tokens"),
    label_column="ner_tags",
    is_target=True,
    note="Table I counts 928 training rows; the published training split has 922.",
)

CONLL05 = TaskSpec(
    name="conll05",
    group="srl",
    kind=TAGGING,
    measure="span_f1",
    origin=UserOrigin("PropBank over the Penn Treebank; the Linguistic Data Consortium distributes the text"),
    hyperparameters=Hyperparameters(lr=6e-3, batch_size=16, epochs=15),
    train_rows=90_000,
    columns=("tokens", "predicate", "srl_tags"),
    labels=_bio(_CONLL05_ROLES),
    first=itemgetter("tokens"),
    second=itemgetter("predicate"),
    label_column="srl_tags",
    template_version=2,
)

CONLL12 = TaskSpec(
    name="conll12",
    group="srl",
    kind=TAGGING,
    measure="span_f1",
    origin=UserOrigin("OntoNotes 5.0; the Linguistic Data Consortium distributes it"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=16, epochs=45),
    train_rows=82_000,
    columns=("tokens", "predicate", "srl_tags"),
    labels=_bio(_CONLL12_ROLES),
    first=itemgetter("tokens"),
    second=itemgetter("predicate"),
    label_column="srl_tags",
    template_version=2,
)

ONTONOTES = TaskSpec(
    name="ontonotes",
    group="ner",
    kind=TAGGING,
    measure="span_f1",
    origin=UserOrigin("OntoNotes 5.0; the Linguistic Data Consortium distributes it"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=16, epochs=30),
    train_rows=60_000,
    columns=("tokens", "ner_tags"),
    labels=_bio(_ONTONOTES_TYPES),
    first=itemgetter("tokens"),
    label_column="ner_tags",
)

TAGGING_TASKS = (CONLL03, CONLL04, CONLL05, CONLL12, ONTONOTES)
