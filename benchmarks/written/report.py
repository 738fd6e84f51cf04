"""What `results/` holds, as tables in `results/RESULTS.md` and as one plot of the throughput per machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from benchmarks.projection import projection
from benchmarks.searching.tables import halving, stacking
from benchmarks.written.plot import draw
from benchmarks.written.results import FOLDER, read_all, slug

Result = dict[str, Any]


def write_report() -> list[Path]:
    """Write the tables, and a plot for each machine; their paths."""
    throughputs = read_all("throughput")
    plots = [draw(result, FOLDER / f"throughput-{slug(result['machine'])}.png") for result in throughputs]
    lines = ["# Results", "", "Made by `python -m benchmarks report` from the JSON files beside it; what the numbers"]
    lines += ["mean is said in `../README.md`.", ""]
    for result in throughputs:
        lines += [*_title("Training throughput", result), *_throughput(result), ""]
        lines += [f"![student examples per second](throughput-{slug(result['machine'])}.png)", ""]
    for part, title, table in _PARTS:
        for result in read_all(part):
            lines += [*_title(title, result), *table(result), ""]
    lines += ["## Projection", "", *projection().split("\n")]
    path = FOLDER / "RESULTS.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [path, *plots]


def _title(name: str, result: Result) -> list[str]:
    machine = result["machine"]
    versions = ", ".join(f"{package} {machine[package]}" for package in ("torch", "transformers", "peft", "panda-ray"))
    return [
        f"## {name}: {machine['device']}",
        "",
        f"{result['date']}, commit {machine['commit']}, {machine['threads']} threads of {machine['cores']} cores, "
        f"load {machine['load_at_end']} at the end; {versions}",
        "",
    ]


def _throughput(result: Result) -> Iterator[str]:
    widths = sorted({int(width) for entry in result["measured"] for width in entry["ratios"]})
    rivals = ("peft", "official")
    yield "Student examples per second; then how many times the rate of (c) `peft` and (d) `official`, median of pairs."
    yield ""
    heads = [*(f"S={width}" for width in widths), *rivals]
    heads += [f"S={width} / {rival}" for rival in rivals for width in _shown(widths)]
    yield from _table(["backbone", "method", "task", *heads], _throughput_rows(result["measured"], widths, rivals))


def _shown(widths: Sequence[int]) -> list[int]:
    """Widths whose ratios are in the table: solo, the one of `quick`, and the widest."""
    return sorted({width for width in (1, 8, max(widths)) if width in widths})


def _throughput_rows(entries: Sequence[Result], widths: Sequence[int], rivals: Sequence[str]) -> Iterator[list[str]]:
    groups: dict[tuple[str, str], list[Result]] = {}
    for entry in entries:
        groups.setdefault((entry["backbone"], entry["method"]), []).append(entry)
    for (backbone, method), group in groups.items():
        for entry in group:
            rates = entry["examples_per_second"]
            names = [*(f"stacked-{width}" for width in widths), *rivals]
            ratios = [_ratio([entry], width, rival) for rival in rivals for width in _shown(widths)]
            yield [backbone, method, entry["task"], *(f"{rates[n]:.0f}" if n in rates else "" for n in names), *ratios]
        means = [_ratio(group, width, rival) for rival in rivals for width in _shown(widths)]
        yield [backbone, method, "*geometric mean*", *("" for _ in names), *means]


def _ratio(entries: Sequence[Result], width: int, rival: str) -> str:
    """Geometric mean over the entries; empty where one of them has no such ratio."""
    found = [entry["ratios"].get(str(width), {}).get(rival) for entry in entries]
    return f"{geometric_mean([median(each) for each in found]):.2f}" if all(found) else ""


def _quick(result: Result) -> Iterator[str]:
    yield (
        f"PanDa, tiny backbone, S = {result['width']}: **{result['ratio_official']:.2f}** times (d) the released "
        f"schema, **{result['ratio_peft']:.2f}** times (c) PEFT (geometric mean of CB's and STS-B's lengths)."
    )


def _limit(result: Result) -> Iterator[str]:
    heads = ["backbone", "method", "task", "S", "examples/s", "GFLOP per step", "without padding", "TFLOP/s", "peak"]
    rows = (
        [
            each["backbone"],
            each["method"],
            each["task"],
            str(each["width"]),
            f"{each['examples_per_second']:.0f}",
            f"{each['operations_per_step'] / 1e9:.1f}",
            f"{each['useful_operations_per_step'] / 1e9:.1f}",
            f"{each['operations_per_step'] / each['seconds_per_step'] / 1e12:.3f}",
            f"{each['peak'] / 1e12:.3f}",
            f"{each['utilisation']:.0%}",
            "" if each["idle_share"] is None else f"{each['idle_share']:.0%}",
        ]
        for each in result["measured"]
    )
    yield from _table([*heads, "utilisation", "no kernel runs"], rows)


def _memory(result: Result) -> Iterator[str]:
    rows = (
        [
            each["backbone"],
            each["method"],
            each["task"],
            f"{each['fixed_bytes'] / 2**20:.0f}",
            f"{each['bytes_per_member'] / 2**20:.2f}",
            f"{each['error']:+.1%}",
            ", ".join(f"{size} GiB: {width}" for size, width in each["widest"].items()),
        ]
        for each in result["measured"]
    )
    heads = ["backbone", "method", "task", "fixed, MiB", "per member, MiB", "error of the line", "largest S"]
    yield from _table(heads, rows)


def _scaling(result: Result) -> Iterator[str]:
    heads = [
        "backbone",
        "task",
        "S",
        "examples/s, 1 worker",
        "2 workers",
        "efficiency",
        "ceiling",
        "all-reduce",
        "objects",
        "MB per step",
    ]
    rows = (
        [
            each["backbone"],
            each["task"],
            str(each["width"]),
            f"{each['rates']['alone']:.1f}",
            f"{each['rates']['together']:.1f}",
            f"{each['efficiency']:.0%}",
            f"{each['ceiling']:.0%}",
            f"{each['sum_share']:.1%}",
            f"{each['object_share']:.1%}",
            f"{each['bytes_per_step'] / 1e6:.2f}",
        ]
        for each in result["measured"]
    )
    yield from _table(heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "| " + " | ".join("---" for _ in heads) + " |"
    for row in rows:
        assert len(row) == len(heads), "a row has a cell per head"
        yield "| " + " | ".join(row) + " |"


_PARTS = (
    ("quick", "Quick comparison", _quick),
    ("limit", "Limit", _limit),
    ("memory", "Memory", _memory),
    ("scaling", "Scaling", _scaling),
    ("search-halving", "Pruning the paper's grid", halving),
    ("search-stacking", "A search in stacks", stacking),
)
