"""What the parts measured, as results files and as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.orchestration.bar import Bar
from benchmarks.written import results

TABLE = "orchestration.md"


def keep(part: str, bars: Sequence[Bar], details: dict[str, Any]) -> Path:
    """A results file of one part, and the table of all parts anew."""
    content = {"bars": [bar.as_json() for bar in bars], "details": details}
    path = results.write(f"orchestration-{part}", torch.device("cpu"), content)
    (results.FOLDER / TABLE).write_text("\n".join(_lines()) + "\n", encoding="utf-8")
    return path


def _lines() -> Iterator[str]:
    yield "# Orchestration"
    yield ""
    yield "Made by `python -m benchmarks.orchestration` from the files `orchestration-*.json` in this folder."
    yield ""
    yield "| what | measured | bar | ratio | where |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for found in results.read_all("orchestration"):
        machine = found["machine"]
        where = f"{machine['cores']} cores, load {machine['load_at_end']} at the end, commit {machine['commit']}"
        for bar in found["bars"]:
            unit = bar["unit"]
            yield f"| {bar['what']} | {bar['value']:.3g} {unit} | {bar['limit']:g} | {bar['ratio']:.2f} | {where} |"
    for found in results.read_all("orchestration"):
        yield ""
        yield f"## {found['part']}"
        yield ""
        yield from _items(found["details"], "")


def _items(details: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in details.items():
        if isinstance(value, dict):
            yield f"{indent}- {name.replace('_', ' ')}:"
            yield from _items(value, f"{indent}  ")
        else:
            shown = f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            yield f"{indent}- {name.replace('_', ' ')}: {shown}"
