"""New rows labelled with an exported prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks import TaskSpec, get_task
from panda_ray.tasks.caching.fetched import is_url
from panda_ray.tasks.own import task_of_description
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.starting.named_rows import rows_to_label

if TYPE_CHECKING:
    from panda_ray.backbones import Backbone
    from panda_ray.prompts.exported import ExportedPrompt

_ROWS = 512
"""Encoded at a time: their outputs fit into memory, whatever the kind."""


@dataclass(frozen=True)
class Prediction:
    """What a prompt says of one row.

    Attributes:
        prediction: label, number, tags or text.
        probability: of each label or candidate by its name, of each word's tag, or of the answer; None where the task
            asks for a number.
    """

    row: int
    prediction: Any
    probability: Any


class Predictor:
    """An exported prompt with its backbone, loaded once.

    Args:
        folder: that `export_prompt` wrote.
        model: folder of the backbone's weights, where it does not lie where it lay.

    Raises:
        InputError: the folder holds no exported prompt, or the weights are not those that it was trained with.
    """

    def __init__(self, folder: Path, model: str | None = None) -> None:
        check_engine("a prediction")
        from panda_ray.prompts.exported import ExportedPrompt
        from panda_ray.prompts.peft import read_peft

        self.said = ExportedPrompt.read(folder)
        self._spec, self._trained = _task(self.said), read_peft(folder)
        self._backbone = _backbone(self.said, folder, model)

    def of_file(self, data: str) -> Iterator[Prediction]:
        """Label the rows of a file or folder of files, in their order.

        Args:
            data: CSV, TSV, JSON lines, Parquet or CoNLL with the columns of the task, or a split on the Hub;
                no label is read.

        Raises:
            InputError: the rows cannot be read.
        """
        from panda_ray.tasks.rows.own.unlabelled import unlabelled_rows

        return self._of_parts(unlabelled_rows(self._spec, rows_to_label(data), _ROWS))

    def of_rows(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Prediction]:
        """Label rows in memory, in their order.

        Args:
            rows: with the columns of the task (`said.columns`).

        Raises:
            InputError: for the first row that lacks one, or with a value that cannot be encoded.
        """
        from panda_ray.tasks.rows.own.unlabelled import checked_rows

        columns = self.said.columns
        for number, row in enumerate(rows):
            if (missing := next((column for column in columns if column not in row), None)) is not None:
                raise unknown_name("column", missing, row, f"row {number}")
        given = [{column: row[column] for column in columns} for row in rows]
        return self._of_parts(checked_rows(self._spec, "the given rows", given, _ROWS))

    def _of_parts(self, parts: Iterable[Sequence[Any]]) -> Iterator[Prediction]:
        done = 0
        for rows in parts:
            for prediction, probability in self._of_part(rows):
                yield Prediction(done, self._spec.kind.named(self._spec, prediction), probability)
                done += 1

    def _of_part(self, rows: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        from panda_ray.training.engine.passes.prediction import outputs_of

        spec = self._spec
        split = spec.encode(rows, self._backbone.tokenizer, self.said.max_len)
        outputs_E = outputs_of(self._backbone, spec.kind, self._trained, split, self.said.precision)
        kept_E = spec.kind.kept(outputs_E.unsqueeze(0))[0].numpy()
        yield from zip(spec.decode(split, kept_E), spec.kind.probabilities(spec, split, outputs_E.numpy()), strict=True)


def _task(said: ExportedPrompt) -> TaskSpec:
    if said.own is not None:
        return task_of_description(said.task, said.own)
    spec = get_task(said.task)
    if spec.labels != said.labels:
        raise InputError(
            f"task {said.task!r} has the labels {', '.join(spec.labels)} here, and had {', '.join(said.labels)} where "
            "the prompt was exported"
        )
    return spec


def _backbone(said: ExportedPrompt, folder: Path, model: str | None) -> Backbone:
    from panda_ray.backbones import load_backbone
    from panda_ray.backbones.registry import backbone_identity

    path = model
    if model is None and said.repository is None and said.location is not None:
        path = said.location if is_url(said.location) else str(folder / said.location)
        if not is_url(path) and not Path(path).is_dir():
            raise InputError(f"the backbone {said.backbone!r} is not at {path}; name its folder: --model DIR")
    if said.repository is not None and path is None:
        return load_backbone(said.backbone, identity=said.identity)
    if said.repository is None and (found := backbone_identity(said.backbone, path)) != said.identity:
        raise InputError(
            f"the prompt was trained with the backbone {said.backbone!r} of {said.identity[:22]}..., and "
            f"{path or 'that of this version'} is {found[:22]}..."
        )
    return load_backbone(said.backbone, path)
