"""A sweep file for a user's own rows, with what was inferred of them, and why, beside each key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from panda_ray.backbones.registry import BACKBONES, backbone_sizes, get_backbone_spec
from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.kinds.own.own_texts import in_words
from panda_ray.usecases.starting.describe import Described

BUILTIN = "builtin-tiny"
_LEARNED = {"lr": 0.06, "batch_size": 8, "epochs": 4}
"""Of the targets of the built-in suite, which that backbone learns best with."""
HUB_SOURCES = ["mnli", "qnli", "sst2", "squad"]


def sweep_text(found: Described, backbone: str = BUILTIN, storage: str | None = None) -> str:
    """The sweep file: prompt tuning, and PoT and PanDa from the sources that a metric ranks highest.

    Args:
        backbone: its name, or the folder of a model.
        storage: `runs/NAME` unless given.

    Raises:
        InputError: there is no backbone of that name, and no such folder; or it holds no model.
    """
    head = _head(found, storage or f"runs/{found.name}")
    return "\n".join([*head, *_study(found, backbone), *_tasks(found, backbone)]) + "\n"


def with_own_task(sweep: Sweep, found: Described) -> Sweep:
    """A sweep that knows the task of the rows, and what else it does is left alone.

    Raises:
        InputError: one of its tasks has that name.
    """
    if found.name in sweep.tasks:
        raise InputError(f"sweep {sweep.name!r} has a task {found.name!r}; rename {found.data}")
    made = found.guess
    section = TaskSection(
        data=found.data,
        dev=found.dev,
        kind=made.kind,
        text=list(made.text),
        pair=list(made.pair) or None,
        choices=list(made.choices) or None,
        label=made.label,
    )
    return sweep.model_copy(update={"tasks": {**sweep.tasks, found.name: section}})


def _head(found: Described, storage: str) -> list[str]:
    return [
        f"# Written by `panda-ray init` for {json.dumps(found.data)} ({found.size}).",
        "# Comments say what values were inferred from: change what is wrong, then `panda-ray run` this file.",
        f"name: {found.name}",
        f"storage: {json.dumps(storage)}",
        "",
    ]


def _study(found: Described, backbone: str) -> list[str]:
    chosen = "sources: {top: 3, by: logme}"
    only_a_try = "knows an invented language only: for a try" if backbone == BUILTIN else ""
    lines = [
        f"backbones: [{backbone_section(backbone)}]" + _comment(only_a_try),
        f"sources: {'builtin' if backbone == BUILTIN else json.dumps(HUB_SOURCES)}"
        + _comment("" if backbone == BUILTIN else "rows of the Hub; or `data_root: DIR` with a folder of each task"),
        f"targets: [{found.name}]",
        "methods:",
        "  - prompt_tuning" + _comment("what transfer is compared with"),
        f"  - {{method: pot, {chosen}}}" + _comment("the three sources that the metric ranks highest"),
        f"  - {{method: panda, {chosen}}}",
        "seeds: [11, 12, 13]" + _comment("intervals need several"),
    ]
    if backbone == BUILTIN:
        training = load_sweep("quickstart").training.model_dump(exclude_unset=True)
        lines += [
            "prompts: builtin" + _comment("the sources' prompts come with the package and are not trained"),
            f"training: {_flow(training)}" + _comment("those prompts were trained so; max_len cuts longer texts"),
        ]
    return [*lines, ""]


def backbone_section(backbone: str) -> str:
    """A backbone as the list of a sweep file has it."""
    folder = Path(backbone).expanduser()
    if backbone in BACKBONES or not folder.is_dir():
        return get_backbone_spec(backbone).name
    folder = folder.resolve()
    backbone_sizes(folder.name, str(folder))
    return _flow({"name": re.sub(r"[^A-Za-z0-9._-]+", "_", folder.name), "path": str(folder)})


def _tasks(found: Described, backbone: str) -> list[str]:
    made = found.guess
    why = {**made.why, "data": found.of_splits[0] if found.of_splits else ""}
    values: dict[str, Any] = {"data": found.data, "kind": made.kind, "text": list(made.text)}
    values |= {key: list(columns) for key, columns in (("pair", made.pair), ("choices", made.choices)) if columns}
    values["label"] = made.label
    lines = ["tasks:", f"  {found.name}:"]
    if made.left_out:
        lines.append(f"    # {in_words(made.left_out)}")
    for key, value in values.items():
        flow = json.dumps(value, ensure_ascii=False)
        lines.append(f"    {key}: {flow}" + _comment(why.get(key, "")))
    lines.append(_evaluated_on(found))
    if backbone == BUILTIN:
        lines += [f"    {key}: {value}" for key, value in _LEARNED.items()]
        quickstart = load_sweep("quickstart")
        limits = {name: quickstart.tasks[name].model_dump(exclude_unset=True) for name in quickstart.single_sources}
        lines += [f"  {name}: {_flow(limit)}" for name, limit in limits.items()]
    return lines


def _evaluated_on(found: Described) -> str:
    if found.dev is not None:
        return f"    dev: {json.dumps(found.dev)}" + _comment("the split to evaluate on")
    return "    dev_share: 0.2" + _comment("of the rows to evaluate on; or `dev: FILE`")


def _flow(values: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in values.items()) + "}"


def _comment(text: str) -> str:
    return f"  # {text}" if text else ""
