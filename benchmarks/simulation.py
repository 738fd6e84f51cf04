"""The paper's full BERT-large grid on 1 to 128 GPUs: the real schedule against a virtual clock.

    python -m benchmarks.simulation

Nothing is trained and nothing is downloaded: rows are those of Table I, seconds are what planning assumes of a GPU on
which nothing was measured. Only arithmetic, so the machine does not matter.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.scheduling.lower_bound import Bound, bound_of
from panda_ray.execution.scheduling.simulation import Simulation, simulate
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.sweep_file import load_sweep

SWEEP = "sweeps/paper/bert_large.yaml"
METHODS = "[prompt_tuning, pot, panda]"  # what the grid is for; the others are 18 trainings alone
GPUS = (1, 2, 4, 8, 16, 32, 64, 128)
WORKERS = (1, 8)
"""Of one source at the most: without and with data parallelism."""
RESULTS = Path(__file__).parent / "results"
_COLUMNS = (
    "GPUs",
    "workers",
    "makespan (h)",
    "utilisation",
    "lower bound (h)",
    "above it",
    "strict bound (h)",
    "stacks",
)


def main() -> None:
    """Write the table as simulation.json and simulation.md, and print it."""
    rows, device = [], ""
    with tempfile.TemporaryDirectory() as empty:
        for workers in WORKERS:
            plan = _plan(empty, workers)
            costs = Costs.of(plan, ())
            device, bound = str(costs.device), bound_of(plan, costs.expected)
            rows += [_row(workers, simulate(plan, gpus, costs.expected), bound) for gpus in GPUS]
    RESULTS.mkdir(exist_ok=True)
    content = {"sweep": SWEEP, "device": device, "basis": "assumed", "rows": rows}
    (RESULTS / "simulation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    table = _table(rows, device)
    (RESULTS / "simulation.md").write_text(table, encoding="utf-8")
    print(table, end="")


def _plan(storage: str, workers: int) -> Plan:
    sweep = load_sweep(SWEEP, [f"storage={storage}", f"resources.max_workers={workers}", f"methods={METHODS}"])
    return plan_from(sweep, Store(sweep.storage), read_catalog(sweep, download=False))


def _row(workers: int, run: Simulation, bound: Bound) -> dict[str, Any]:
    return {
        "gpus": run.slots,
        "workers": workers,
        "makespan_hours": round(run.makespan / 3600, 3),
        "utilisation": round(run.utilisation, 4),
        "bound_hours": round(bound.seconds(run.slots) / 3600, 3),
        "above_bound": round(run.makespan / bound.seconds(run.slots) - 1, 4),
        "strict_bound_hours": round(bound.strict_seconds(run.slots) / 3600, 3),
        "stacks": len(run.ran),
    }


def _table(rows: list[dict[str, Any]], device: str) -> str:
    lines = [
        f"# {SWEEP} on clusters that are not there",
        "",
        f"Seconds are assumed for a {device}, rows are those of Table I; see benchmarks/README.md.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|{' ---: |' * len(_COLUMNS)}",
    ]
    for row in rows:
        cells = (
            row["gpus"],
            row["workers"],
            f"{row['makespan_hours']:.2f}",
            f"{row['utilisation']:.0%}",
            f"{row['bound_hours']:.2f}",
            f"{row['above_bound']:.1%}",
            f"{row['strict_bound_hours']:.2f}",
            row["stacks"],
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
