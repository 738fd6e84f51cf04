"""The kinds of task, one file each: all in which tasks differ by what they ask. `kind.py` says what a kind is."""

from __future__ import annotations

from panda_ray.tasks.kinds.candidate_ranking import CANDIDATE_RANKING
from panda_ray.tasks.kinds.classification import CLASSIFICATION
from panda_ray.tasks.kinds.extractive_qa import EXTRACTIVE_QA
from panda_ray.tasks.kinds.kind import IGNORED, PADDING_LOGIT, TaskKind
from panda_ray.tasks.kinds.multiple_choice import MULTIPLE_CHOICE
from panda_ray.tasks.kinds.regression import REGRESSION
from panda_ray.tasks.kinds.tagging import TAGGING

KINDS: tuple[TaskKind, ...] = (
    CLASSIFICATION,
    REGRESSION,
    MULTIPLE_CHOICE,
    TAGGING,
    EXTRACTIVE_QA,
    CANDIDATE_RANKING,
)
"""Those of the package's own tasks; a task of another package may bring its own."""

__all__ = [
    "CANDIDATE_RANKING",
    "CLASSIFICATION",
    "EXTRACTIVE_QA",
    "IGNORED",
    "KINDS",
    "MULTIPLE_CHOICE",
    "PADDING_LOGIT",
    "REGRESSION",
    "TAGGING",
    "TaskKind",
]
