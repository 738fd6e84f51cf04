"""The seven GLUE tasks of the study: columns and label codes as in the Hub's Parquet repository.

Hyper-parameters are those of the paper's Table I.
"""

from __future__ import annotations

from operator import itemgetter

from panda_ray.tasks.kinds import CLASSIFICATION, REGRESSION
from panda_ray.tasks.task import HubOrigin, Hyperparameters, TaskSpec

_REPOSITORY = "nyu-mll/glue"
_REVISION = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"


def _origin(folder: str, validation: str = "validation") -> HubOrigin:
    return HubOrigin(_REPOSITORY, _REVISION, f"{folder}/train-*.parquet", f"{folder}/{validation}-*.parquet")


MNLI = TaskSpec(
    name="mnli",
    group="nli",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("mnli", validation="validation_matched"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=64, epochs=20),
    train_rows=393_000,
    columns=("premise", "hypothesis", "label"),
    labels=("entailment", "neutral", "contradiction"),
    first=itemgetter("premise"),
    second=itemgetter("hypothesis"),
)

COLA = TaskSpec(
    name="cola",
    group="other",
    kind=CLASSIFICATION,
    measure="matthews",
    origin=_origin("cola"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=16, epochs=40),
    train_rows=9_000,
    columns=("sentence", "label"),
    labels=("unacceptable", "acceptable"),
    first=itemgetter("sentence"),
    is_target=True,
)

SST2 = TaskSpec(
    name="sst2",
    group="other",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("sst2"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=32, epochs=60),
    train_rows=67_000,
    columns=("sentence", "label"),
    labels=("negative", "positive"),
    first=itemgetter("sentence"),
)

QNLI = TaskSpec(
    name="qnli",
    group="nli",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("qnli"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=32, epochs=20),
    train_rows=105_000,
    columns=("question", "sentence", "label"),
    labels=("entailment", "not_entailment"),
    first=itemgetter("question"),
    second=itemgetter("sentence"),
)

MRPC = TaskSpec(
    name="mrpc",
    group="semantic_matching",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("mrpc"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=32, epochs=60),
    train_rows=4_000,
    columns=("sentence1", "sentence2", "label"),
    labels=("not_equivalent", "equivalent"),
    first=itemgetter("sentence1"),
    second=itemgetter("sentence2"),
    is_target=True,
)

STSB = TaskSpec(
    name="stsb",
    group="semantic_matching",
    kind=REGRESSION,
    measure="pearson_spearman_mean",
    origin=_origin("stsb"),
    hyperparameters=Hyperparameters(lr=1e-2, batch_size=32, epochs=60),
    train_rows=6_000,
    columns=("sentence1", "sentence2", "label"),
    label_range=(0.0, 5.0),
    first=itemgetter("sentence1"),
    second=itemgetter("sentence2"),
    is_target=True,
)

QQP = TaskSpec(
    name="qqp",
    group="semantic_matching",
    kind=CLASSIFICATION,
    measure="accuracy",
    origin=_origin("qqp"),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=64, epochs=20),
    train_rows=364_000,
    columns=("question1", "question2", "label"),
    labels=("not_duplicate", "duplicate"),
    first=itemgetter("question1"),
    second=itemgetter("question2"),
)

GLUE_TASKS = (MNLI, COLA, SST2, QNLI, MRPC, STSB, QQP)
