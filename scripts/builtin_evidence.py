"""What the package brings for `recommend`: similarities and gains of a finished quickstart's pairs.

python scripts/builtin_evidence.py runs/quickstart
"""

from __future__ import annotations

import sys

from panda_ray.choosing.shipped_evidence import FILE, as_text
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.choosing.recommendation import recommend

METRICS = ("logme", "knn", "h_score", "leep", "nce")


def main(storage: str) -> None:
    sweep = load_sweep("quickstart", [f"storage={storage}"])
    first, second, *_ = sweep.targets
    by_metric, prompts = {}, frozenset[str]()
    for metric in METRICS:
        of_others, of_first = (recommend(sweep, task, metric) for task in (first, second))
        assert not of_others.shipped, f"{storage} has too few finished pairs; run the quickstart first"
        by_metric[metric] = {first: of_first.evidence[first], **of_others.evidence}
        prompts |= of_others.prompts
    FILE.write_text(as_text(prompts, by_metric), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
