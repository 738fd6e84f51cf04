"""One form for rows that say the same: what writers store differently has the same fingerprint and meets one reader.

A class may be written as its name, its code, a truth value or a whole float; a score as a whole number; SQuAD's answers
as a list of structs instead of a struct of lists. What has no such meaning stays as it is, for `validation.py` to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from panda_ray.tasks.table import SplitTable
from panda_ray.tasks.task import Kind, TaskSpec

ANSWER_FIELDS = ("text", "answer_start")


def in_normal_form(spec: TaskSpec, table: SplitTable) -> SplitTable:
    """The table with its labels in the form that everything after reads."""
    normal = _LABELS.get(spec.kind)
    if normal is None:
        return table
    label = normal(spec)
    return replace(table, rows=[{**row, spec.label_column: label(row[spec.label_column])} for row in table.rows])


def _coded(spec: TaskSpec) -> Callable[[Any], Any]:
    codes: dict[Any, int] = {name: code for code, name in enumerate(spec.labels)}

    def coded(label: Any) -> Any:
        if isinstance(label, list):
            return [coded(element) for element in label]
        if isinstance(label, str):
            return codes.get(label, label)
        is_code = isinstance(label, bool) or (isinstance(label, float) and label.is_integer())
        return int(label) if is_code else label

    return coded


def _number(_spec: TaskSpec) -> Callable[[Any], Any]:
    return lambda label: float(label) if isinstance(label, int) and not isinstance(label, bool) else label


def _answers(_spec: TaskSpec) -> Callable[[Any], Any]:
    def answers(label: Any) -> Any:
        if isinstance(label, list) and all(isinstance(answer, dict) for answer in label):
            return {field: [answer.get(field) for answer in label] for field in ANSWER_FIELDS}
        return {field: label.get(field) for field in ANSWER_FIELDS} if isinstance(label, dict) else label

    return answers


_LABELS: Mapping[Kind, Callable[[TaskSpec], Callable[[Any], Any]]] = {
    "classification": _coded,
    "multiple_choice": _coded,
    "tagging": _coded,
    "regression": _number,
    "extractive_qa": _answers,
}
