"""Classification: one of C classes, from the pooled vector of a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panda_ray.tasks.kinds.coded import CodedKind
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns

if TYPE_CHECKING:
    from panda_ray.tasks.task import TaskSpec


class Classification(CodedKind):
    """A label is the code of a class; a prediction too."""

    name = "classification"
    answer = "the largest output names the label, in the order of the labels"
    own_columns = OwnColumns(
        ("accuracy", "f1", "matthews"), own_templates.one_or_two, own_cells.class_name, takes=("pair", "labels")
    )
    has_classes = True
    head_names_labels = True
    must_vary = True

    def output_size(self, spec: TaskSpec) -> int:
        return len(spec.labels)


CLASSIFICATION = Classification()
