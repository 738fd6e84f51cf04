"""Classification: one of C classes, from the pooled vector of a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panda_ray.tasks.kinds.coded import CodedKind

if TYPE_CHECKING:
    from panda_ray.tasks.task import TaskSpec


class Classification(CodedKind):
    """A label is the code of a class; a prediction too."""

    name = "classification"
    answer = "the largest output names the label, in the order of the labels"
    has_classes = True
    must_vary = True

    def output_size(self, spec: TaskSpec) -> int:
        return len(spec.labels)


CLASSIFICATION = Classification()
