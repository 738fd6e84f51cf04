"""Extractive question answering outside SuperGLUE: SQuAD 2.0, where "no answer" is an answer."""

from __future__ import annotations

from operator import itemgetter

from panda_ray.tasks.kinds import EXTRACTIVE_QA
from panda_ray.tasks.task import HubOrigin, Hyperparameters, TaskSpec

SQUAD = TaskSpec(
    name="squad",
    group="qa",
    kind=EXTRACTIVE_QA,
    measure="squad_f1",
    origin=HubOrigin(
        "rajpurkar/squad_v2",
        "3ffb306f725f7d2ce8394bc1873b24868140c412",
        "squad_v2/train-*.parquet",
        "squad_v2/validation-*.parquet",
    ),
    hyperparameters=Hyperparameters(lr=5e-3, batch_size=8, epochs=10),
    train_rows=88_000,
    columns=("question", "context", "answers"),
    first=itemgetter("question"),
    second=itemgetter("context"),
    label_column="answers",
    template_version=2,
    note="Table I counts 88K training rows; SQuAD 2.0 has 130,319.",
)

QA_TASKS = (SQUAD,)
