"""What pydantic found wrong, as one sentence per problem: the place, the key, what is allowed, what was written."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from panda_ray.errors import InputError, shown, unknown_name
from panda_ray.sweep import Sweep
from panda_ray.sweep_file.included import KEY as INCLUDE
from panda_ray.sweep_file.yaml_source import Path, Places

_SENTENCES: Mapping[str, str] = {
    "int_type": "must be a whole number, not {input}",
    "int_from_float": "must be a whole number, not {input}",
    "float_type": "must be a number, not {input}",
    "bool_type": "must be true or false, not {input}",
    "string_type": "must be text, not {input}",
    "string_too_short": "must not be empty",
    "list_type": "must be a list, not {input}",
    "dict_type": "must be a section with keys, not {input}",
    "model_type": "must be a section with keys, not {input}",
    "model_attributes_type": "must be a section with keys, not {input}",
    "too_short": "must not be empty",
    "greater_than": "must be greater than {gt}, not {input}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "finite_number": "must be a finite number, not {input}",
    "string_pattern_mismatch": "must be made of letters, digits, '.', '_' and '-', not {input}",
    "literal_error": "must be {expected}, not {input}",
}


def explain(error: ValidationError, root: type[BaseModel], places: Places, prefix: Path = ()) -> list[str]:
    """One sentence per problem, each with its place.

    Args:
        root: the model that was validated.
        prefix: where in the file the validated value stands.
    """
    return [_sentence(problem, root, places, prefix) for problem in error.errors(include_url=False)]


def _sentence(problem: ErrorDetails, root: type[BaseModel], places: Places, prefix: Path) -> str:
    loc, context = problem["loc"], problem.get("ctx", {})
    path = (*prefix, *loc, *_inside(context))
    place = places.find(path)
    if problem["type"] == "extra_forbidden":
        known = [*_section(root, loc[:-1]).model_fields, *((INCLUDE,) if root is Sweep and len(loc) == 1 else ())]
        return str(unknown_name("key", str(loc[-1]), known, place))
    dotted = places.dotted(path)
    if problem["type"] == "missing":
        return f"{place}: the key {dotted!r} is missing"
    return f"{place}: {dotted}: {_said(problem)}"


def _inside(context: Mapping[str, Any]) -> Path:
    """Where in a value the problem is, as validators of ours say it: a key, an index, or several of them."""
    at = context.get("at", ())
    return at if isinstance(at, tuple) else (at,)


def explain_value(error: ValidationError, places: Places, path: Path) -> list[str]:
    """The same for one value that stands elsewhere than where it was validated."""
    dotted = ".".join(map(str, path))
    return [f"{places.find(path)}: {dotted}: {_said(problem)}" for problem in error.errors()]


def _said(problem: ErrorDetails) -> str:
    """What is allowed, and what was written."""
    context = problem.get("ctx", {})
    template = _SENTENCES.get(problem["type"])
    limits = {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
    return template.format(input=shown(problem["input"]), **limits) if template else problem["msg"]


def _section(root: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that holds the key after `loc`."""
    annotation: Any = root
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = get_args(annotation)[-1]
        annotation = _alone(annotation)
    assert isinstance(annotation, type), f"{annotation} is not a section"
    assert issubclass(annotation, BaseModel), f"{annotation} is not a section"
    return annotation


def _alone(annotation: Any) -> Any:
    """Without what else may stand there: nothing, or a list in place of a section."""
    if get_origin(annotation) is Annotated:
        return _alone(get_args(annotation)[0])
    if get_origin(annotation) in (UnionType, Union):
        models = [one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
        return models[0] if models else annotation
    return annotation


def raise_problems(problems: list[str]) -> None:
    """Raise one `InputError` with a line per problem, in the order of each file; nothing if there are none."""
    if problems:
        raise InputError("\n".join(sorted(dict.fromkeys(problems), key=_place)))


def _place(problem: str) -> tuple[bool, str, int]:
    """Problems of the command line come after those of files."""
    file, _, line = problem.split(": ", 1)[0].rpartition(":")
    return (False, file, int(line)) if line.isdecimal() else (True, "", 0)
