"""What a sweep file says of the rows of a task of the user's own: `tasks: {mine: {data: my.csv, ...}}`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from panda_ray.sweep.section import Section
from panda_ray.tasks.kinds.own.own_columns import KindName, MeasureName, OwnColumns
from panda_ray.tasks.own import OWN_KINDS, OwnTask
from panda_ray.tasks.task import FileOrigin

_DEV_SHARE = 0.2
_DEV_SEED = 0
_MOST_SEED = 2**63 - 1


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Columns = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]
"""One column, or several whose texts are joined by a blank."""


class TaskData(Section):
    """Rows of the user's own: given where `data` is, and nowhere else."""

    data: str | None = Field(default=None, min_length=1)
    """File of a task of your own (.csv, .tsv, .jsonl, .parquet, .conll), or a folder of such, relative to the working
    directory; or files of a data set of the Hub, hf://datasets/OWNER/NAME@COMMIT/PATH."""
    dev: str | None = Field(default=None, min_length=1)
    """Likewise, rows to evaluate on; a part of `data`, drawn class by class, unless given."""
    dev_share: float | None = Field(default=None, gt=0, lt=1)
    """Size of that part; 0.2 unless given."""
    dev_seed: int | None = Field(default=None, ge=0, le=_MOST_SEED)
    """Draws that part; 0 unless given."""
    kind: KindName | None = None
    """What is asked of a row of `data`."""
    text: Columns | None = None
    """Column of the text, or several; of question answering the question, of tagging the words."""
    pair: Columns | None = None
    """Column of the second text; of question answering the context."""
    choices: Annotated[list[str], Field(min_length=2)] | None = None
    """Columns of the choices of multiple choice; a label is one of their names, or its position from 0."""
    label: str | None = Field(default=None, min_length=1)
    """Column of the label."""
    labels: Annotated[list[str], Field(min_length=2)] | None = None
    """Names of classes or tags in the order of their codes; those that the rows have, sorted, unless given."""
    measure: MeasureName | None = None
    """What scores are; the usual one of the kind unless given."""

    @model_validator(mode="after")
    def _says_enough(self) -> TaskData:
        if self.data is None:
            stray = next((name for name in TaskData.model_fields if getattr(self, name) is not None), None)
            if stray is not None:
                raise PydanticCustomError("no_data", "says nothing without `data`, the file of the rows", {"at": stray})
            return self
        for name in ("kind", "text", "label", *(self._read.needs if self.kind else ())):
            if getattr(self, name) is None:
                said = {"name": repr(name), "kind": f" {self.kind}" if self.kind else ""}
                raise PydanticCustomError("incomplete", "lacks the key {name}: rows of a task{kind} need it", said)
        self._check_kind()
        return self

    @property
    def _read(self) -> OwnColumns:
        read = OWN_KINDS[str(self.kind)].own_columns
        assert read is not None, "one of these"
        return read

    def _check_kind(self) -> None:
        """Refuse what means nothing for the kind."""
        read = self._read
        means_nothing = {name: name not in read.takes for name in ("choices", "pair", "labels")}
        if self.dev is not None:
            means_nothing |= {"dev_share": True, "dev_seed": True}
        for name, idle in means_nothing.items():
            if idle and getattr(self, name) is not None:
                why = "a `dev` of its own" if name.startswith("dev_") else f"kind {self.kind!r}"
                raise PydanticCustomError("no_effect", "has no effect with {why}", {"why": why, "at": name})
        several = [name for name in read.single if len(getattr(self, name)) > 1]
        if several:
            raise PydanticCustomError(
                "one_column", "must be one column for kind {kind}", {"kind": repr(self.kind), "at": several[0]}
            )
        if self.measure is not None and self.measure not in read.measures:
            said = {"kind": self.kind, "allowed": ", ".join(read.measures), "at": "measure"}
            raise PydanticCustomError("measure", "must be one of {allowed} for kind {kind}", said)

    def as_task(self, name: str) -> OwnTask:
        """What it says of the task of that name."""
        assert self.data is not None, "rows of one's own"
        assert self.kind is not None, "checked with `data`"
        assert self.label is not None, "checked with `data`"
        origin = FileOrigin(
            self.data,
            self.dev,
            _DEV_SHARE if self.dev_share is None else self.dev_share,
            _DEV_SEED if self.dev_seed is None else self.dev_seed,
        )
        return OwnTask(
            name,
            origin,
            self.kind,
            text=tuple(self.text or ()),
            pair=tuple(self.pair or ()),
            choices=tuple(self.choices or ()),
            label=self.label,
            labels=tuple(self.labels or ()),
            measure=self.measure,
        )
