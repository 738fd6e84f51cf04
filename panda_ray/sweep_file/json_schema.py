"""The JSON schema of sweep files for editors: `Sweep`'s own, plus short forms and the names that exist."""

from __future__ import annotations

import json
from typing import Any

from panda_ray.backbones import BACKBONES
from panda_ray.metrics import METRICS
from panda_ray.sweep import Sweep
from panda_ray.sweep_file.checking.names import CELL_METHODS
from panda_ray.sweep_file.included import KEY as INCLUDE
from panda_ray.sweep_file.suites import SUITES
from panda_ray.sweep_file.tuned_file import KEY
from panda_ray.tasks import TASKS

_INCLUDE = {
    "title": "Include",
    "description": "Another sweep file, or a list of them, relative to this one, or the name of a sweep that comes "
    "with the package. Its keys are as if they stood here; mappings are merged, and of everything else this file's "
    "value stays before an included one's, a later file's before an earlier one's.",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}],
}


def sweep_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a sweep file."""
    schema: dict[str, Any] = Sweep.model_json_schema()
    fields = schema["properties"]
    schema["$defs"]["TaskName"] = {"anyOf": [{"enum": [task.name for task in TASKS]}, {"type": "string"}]}
    tasks = {"$ref": "#/$defs/TaskName"}
    several = {"items": tasks, "minItems": 2, "type": "array", "uniqueItems": True}
    for key, suites in SUITES.items():
        by_name = {**fields[key], "items": {"anyOf": [tasks, several]} if key == "sources" else tasks}
        fields[key] = {
            "description": by_name.pop("description"),
            "title": by_name.pop("title"),
            "anyOf": [{"enum": list(suites)}, by_name],
        }
    _allow_own_tasks(schema)
    _allow_includes(schema)
    fields[KEY]["anyOf"].insert(0, {"type": "string"})
    schema["$defs"]["Chosen"]["properties"] |= {"task": tasks, "method": {"enum": list(CELL_METHODS)}}
    _allow_names(schema, "backbones", [spec.name for spec in BACKBONES])
    _allow_names(schema, "methods", list(CELL_METHODS))
    metrics = [metric.name for metric in METRICS]
    _allow_names(schema, "metrics", metrics)
    schema["$defs"]["MethodSection"]["properties"]["method"]["enum"] = list(CELL_METHODS)
    schema["$defs"]["MetricReference"]["properties"]["metric"]["enum"] = metrics
    by = schema["$defs"]["SourceChoice"]["properties"]
    by["by"] = {"anyOf": [{"enum": metrics}, by["by"]]}
    schema["$defs"]["MetricSection"]["properties"]["metric"]["enum"] = metrics
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _allow_own_tasks(schema: dict[str, Any]) -> None:
    """Let a task have any name where a file says what its data is."""
    tasks = schema["properties"]["tasks"]
    tasks["properties"] = dict.fromkeys([task.name for task in TASKS], tasks["additionalProperties"])


def _allow_includes(schema: dict[str, Any]) -> None:
    """Let a file include others; one that includes none says everything that must be said itself."""
    schema["properties"] = {INCLUDE: _INCLUDE, **schema["properties"]}
    names = [task.name for task in TASKS]
    known = {"enum": names}
    no_data = {"additionalProperties": {"not": {"required": ["data"]}}}
    schema["if"] = {"not": {"required": [INCLUDE]}}
    schema["then"] = {
        "required": schema.pop("required"),
        "properties": {
            "tasks": {"properties": dict.fromkeys(names, True), "additionalProperties": {"required": ["data"]}}
        },
        "if": {"properties": {"tasks": no_data}},
        "then": {
            "properties": {
                "sources": {"items": {"anyOf": [known, {"type": "array", "items": known}]}},
                "targets": {"items": known},
            }
        },
    }


def _allow_names(schema: dict[str, Any], key: str, names: list[str]) -> None:
    """Let the items of a list be a name alone."""
    field = schema["properties"][key]
    field["items"] = {"anyOf": [{"enum": names}, field["items"]]}


def schema_text() -> str:
    """The schema as the text of `sweeps/schema.json`."""
    return json.dumps(sweep_schema(), indent=2) + "\n"
