"""An exported prompt in Python: loaded once, and asked for new rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from panda_ray.errors import InputError
from panda_ray.usecases.exporting.predict import Predictor

if TYPE_CHECKING:
    from panda_ray.prompts.exported import ExportedPrompt

Rows = str | Path | pd.DataFrame | Sequence[str] | Sequence[Mapping[str, Any]]
"""A file, a frame, or rows; rows of a task with one column may be texts alone."""


class Prompt:
    """A prompt that `panda-ray export` or `Sweep.export` wrote, with its backbone.

    Attributes:
        said: task, labels, backbone, method, score and whatever else is known of it.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.said: ExportedPrompt = predictor.said

    @classmethod
    def load(cls, folder: str | Path, model: str | None = None) -> Prompt:
        """Read a folder and load the backbone.

        Args:
            model: folder of the backbone's weights, where it does not lie where it lay.

        Raises:
            InputError: the folder holds no exported prompt, or the weights are not those that it was trained with.
        """
        return cls(Predictor(Path(folder), model))

    def predict(self, rows: Rows) -> pd.DataFrame:
        """Label rows: `prediction`, and `probability` (of each label by name, of each word's tag, of the answer; None
        where the task asks for a number), in their order.

        Args:
            rows: a file (CSV, TSV, JSON lines, Parquet, CoNLL) or a folder of such, a frame, a list of mappings, or a
                list of texts where the task has one column.

        Raises:
            InputError: for the first row that cannot be read.
        """
        if isinstance(rows, str | Path):
            found = self._predictor.of_file(str(rows))
        else:
            found = self._predictor.of_rows(self._mappings(rows))
        labelled = [(each.prediction, each.probability) for each in found]
        return pd.DataFrame(labelled, columns=["prediction", "probability"])

    def _mappings(self, rows: pd.DataFrame | Sequence[str] | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        if isinstance(rows, pd.DataFrame):
            return [dict(zip(map(str, rows.columns), values, strict=True)) for values in rows.to_numpy().tolist()]
        columns = self.said.columns
        found: list[Mapping[str, Any]] = []
        for row in rows:
            if isinstance(row, Mapping):
                found.append(row)
            elif len(columns) == 1:
                found.append({columns[0]: row})
            else:
                raise InputError(
                    f"a row of task {self.said.task!r} has the columns {', '.join(columns)}; give mappings with them, "
                    "not texts"
                )
        return found

    def __repr__(self) -> str:
        said = self.said
        sources = f" from {', '.join(said.sources)}" if said.sources else ""
        return f"<Prompt of {said.task} on {said.backbone}, {said.method}{sources}: {said.measure} {said.score:.1f} %>"
