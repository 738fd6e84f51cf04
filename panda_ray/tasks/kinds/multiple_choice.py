"""Multiple choice: every choice is a row of its own with one score; a softmax runs over an example's K choices.

Shape letters: S members, B examples, K rows per example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.kinds.coded import CodedKind
from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.token_rows import Texts

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


class MultipleChoice(CodedKind):
    """The templates give one text per choice; a label is the code of the right choice, a prediction too."""

    name = "multiple_choice"
    answer = "each choice is a row with one output; the largest is the right choice"
    own_columns = OwnColumns(
        ("accuracy",), own_templates.with_choices, own_cells.choice, needs=("choices",), takes=("choices",)
    )
    has_head_bias = False

    def texts(self, spec: TaskSpec, row: Row) -> Texts:
        assert spec.first is not None, f"task {spec.name} has no template for its choices"
        first = spec.first(row)
        second = [None] * len(first) if spec.second is None else spec.second(row)
        return list(zip(first, second, strict=True))

    def rows_per_example(self, texts: int) -> int:
        return texts

    def labelled(self, split: EncodedSplit, example_B: NDArray[np.int64], seed: int) -> Labelled:
        """Every choice: 1 for the right one, 0 for the others. Which choice is right says nothing of a row alone."""
        right_B = split.labels.cpu().numpy()[example_B]
        choice_BK = np.tile(np.arange(split.rows_per_example), (len(example_B), 1))
        right_BK = (choice_BK == right_B[:, None]).astype(np.int64)
        return Labelled(np.arange(len(example_B)).repeat(split.rows_per_example), choice_BK.ravel(), right_BK.ravel())

    def output_size(self, spec: TaskSpec) -> int:
        return 1

    def outputs(self, output_SXC: Tensor, rows_per_example: int, lengths_R: Tensor | None) -> Tensor:
        """The scores of every example's choices, (S, B, K)."""
        return output_SXC.reshape(len(output_SXC), -1, rows_per_example)


MULTIPLE_CHOICE = MultipleChoice()
