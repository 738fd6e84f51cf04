"""Labels that are codes of named classes, and how any value is shown in a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from panda_ray.errors import unknown_name

if TYPE_CHECKING:
    from panda_ray.tasks.task import TaskSpec

_SHOWN_CHARACTERS = 60
_NAMES_SHOWN = 10
NO_LABEL_HINT = "; -1 marks rows without a published label, as in test sets"


def coder(spec: TaskSpec) -> Callable[[Any], Any]:
    """Turns a class, or a list of them, written as a name, a truth value or a whole float, into its code."""
    codes = {name: code for code, name in enumerate(spec.labels)}

    def coded(label: Any) -> Any:
        if isinstance(label, list):
            return [coded(element) for element in label]
        if isinstance(label, str):
            return codes.get(label, label)
        is_code = isinstance(label, bool) or (isinstance(label, float) and label.is_integer())
        return int(label) if is_code else label

    return coded


def code_complaint(spec: TaskSpec, label: Any) -> str | None:
    """What is wrong with a class that is none of the task's."""
    if isinstance(label, str):
        return str(unknown_name("label", label, spec.labels))
    if isinstance(label, int) and 0 <= label < len(spec.labels):
        return None
    hint = NO_LABEL_HINT if label == -1 else ""
    allowed = ", ".join(f"{code} ({name})" for code, name in enumerate(spec.labels[:_NAMES_SHOWN]))
    more = f", ... {len(spec.labels) - 1}" if len(spec.labels) > _NAMES_SHOWN else ""
    wrong = "is out of range" if isinstance(label, int) else "is neither a code nor a name"
    return f"label {shown(label)} {wrong} (allowed: {allowed}{more}){hint}"


def holds_null(value: Any) -> bool:
    """Whether a value, or an element of a list, is null."""
    return value is None or (isinstance(value, list) and None in value)


def shown(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    text = str(value) if isinstance(value, bool | int | float) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
