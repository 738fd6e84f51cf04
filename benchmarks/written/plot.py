"""One figure per machine: student examples per second of every competitor, a panel for each backbone and method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_RIVAL_LINES = {"peft": "--", "official": ":"}


def draw(result: dict[str, Any], path: Path) -> Path:
    """Rates against stack width, one colour per task; rivals as horizontal lines."""
    panels = list(dict.fromkeys((entry["backbone"], entry["method"]) for entry in result["measured"]))
    figure = Figure(figsize=(4.2 * min(len(panels), 4), 3.4 * -(-len(panels) // 4)), layout="constrained")
    all_axes = figure.subplots(-(-len(panels) // 4), min(len(panels), 4), squeeze=False).flatten()
    for axes, (backbone, method) in zip(all_axes, panels, strict=False):
        entries = [entry for entry in result["measured"] if (entry["backbone"], entry["method"]) == (backbone, method)]
        _panel(axes, entries)
        axes.set_title(f"{backbone}, {method}")
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    machine = result["machine"]
    figure.suptitle(f"{machine['device']}, {machine['threads']} threads, commit {machine['commit']}", fontsize=9)
    figure.savefig(path, dpi=110)
    return path


def _panel(axes: Axes, entries: list[dict[str, Any]]) -> None:
    for index, entry in enumerate(entries):
        rates = entry["examples_per_second"]
        widths = sorted(int(name.removeprefix("stacked-")) for name in rates if name.startswith("stacked-"))
        color = f"C{index}"
        axes.plot(widths, [rates[f"stacked-{width}"] for width in widths], "o-", color=color, label=entry["task"])
        for rival, style in _RIVAL_LINES.items():
            if rival in rates:
                axes.axhline(rates[rival], color=color, linestyle=style, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("S (dashed: (c) PEFT, dotted: (d) released schema)")
    axes.set_ylabel("student examples / s")
    axes.legend(fontsize=7)
