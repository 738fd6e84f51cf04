"""What the built-in suite's grid showed, for whoever asks for a source by the prompts that come with the package.

A file of the package, `builtin_evidence.json`, which `make builtin-evidence` makes of a finished quickstart. It speaks
of the very prompts that it was measured with, and of no others.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from panda_ray.choosing.calibration import Evidence

FILE = Path(__file__).with_name("builtin_evidence.json")


def shipped_evidence(metric: str, prompts: Collection[str]) -> Evidence:
    """Similarities by a metric, and gains; empty where a prompt is another, or the metric was not tried.

    Args:
        prompts: keys of the source prompts whose gains are wanted.
    """
    known = json.loads(FILE.read_text(encoding="utf-8"))
    if not set(prompts) <= set(known["prompts"]):
        return {}
    return {
        target: {source: (similarity, gain) for source, (similarity, gain) in pairs.items()}
        for target, pairs in known["metrics"].get(metric, {}).items()
    }


def as_text(prompts: Collection[str], by_metric: dict[str, Evidence]) -> str:
    """The content of that file."""
    metrics = {
        metric: {target: {source: _rounded(pair) for source, pair in pairs.items()} for target, pairs in own.items()}
        for metric, own in by_metric.items()
    }
    return json.dumps({"prompts": sorted(prompts), "metrics": metrics}, indent=1) + "\n"


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(number, 4) for number in pair]
