"""Where measurements are kept: one JSON file per part and device, with the machine, the versions and the commit."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.measuring.machine import describe
from panda_ray.errors import InputError

FOLDER = Path(__file__).parents[1] / "results"
SCHEMA = 1
"""Raise it when the fields of a results file change their meaning."""


def write(part: str, device: torch.device, content: dict[str, Any]) -> Path:
    """Keep what a part measured on this machine, in the place of what it measured there before."""
    machine = describe(device)
    path = FOLDER / f"{part}-{slug(machine)}.json"
    path.parent.mkdir(exist_ok=True)
    header = {"schema": SCHEMA, "part": part, "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}
    path.write_text(json.dumps({**header, "machine": machine, **content}, indent=1) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """A results file.

    Raises:
        InputError: for a file of another schema.
    """
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if content.get("schema") != SCHEMA:
        raise InputError(f"{path}: schema is {content.get('schema')!r}, but only {SCHEMA} is known; measure again")
    return content


def read_all(part: str) -> list[dict[str, Any]]:
    """What a part measured, on every machine."""
    return [read(path) for path in sorted(FOLDER.glob(f"{part}-*.json"))]


def slug(machine: dict[str, Any]) -> str:
    """A device as part of a file's name: `nvidia-h200`, or a processor with its threads."""
    name = re.sub(r"[^a-z0-9]+", "-", str(machine["device"]).lower()).strip("-")
    return name if machine["device_type"] == "cuda" else f"{name}-{machine['threads']}-threads"
