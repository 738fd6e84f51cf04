"""How every figure looks and how it is written: SVG and PNG files, and an SVG that lives inside the HTML report.

Colours are the Okabe-Ito palette and colour maps that are safe for colour-blind readers. The SVG for the report is
transparent and takes its ink from the page, so it reads on a light and on a dark background.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

INK = "#1c2127"
"""Text and axes; becomes the page's text colour in the report."""

ABSENT_COLOR = "#9aa3ad"
BASELINE_COLOR = "#6b7480"
METHOD_COLORS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe-Ito: vermilion, blue, green, purple, orange, sky."""

STACKED_INCHES = 3.25
"""As wide as the text of the report on a phone."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.facecolor": "none",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "text.parse_math": False,  # labels are the user's words
    "savefig.dpi": 200,
}
"""Matplotlib settings of every figure; text stays text in SVG."""


@dataclass(frozen=True)
class Drawing:
    """A finished figure.

    Attributes:
        name: of its files, without the ending.
        caption: what it shows and how to read it.
        inline_svg: for the HTML report.
        stacked_svg: likewise with its panels one above the other, for a phone; None where there is one panel.
    """

    name: str
    caption: str
    svg: str
    png: bytes
    inline_svg: str
    stacked_svg: str | None = None

    def save(self, folder: Path) -> list[Path]:
        """Write NAME.svg and NAME.png."""
        svg, png = folder / f"{self.name}.svg", folder / f"{self.name}.png"
        svg.write_text(self.svg, encoding="utf-8")
        png.write_bytes(self.png)
        return [svg, png]


def finish(figure: Figure, name: str, caption: str, stacked: Figure | None = None) -> Drawing:
    """Write a figure in all of its forms; equal figures give equal bytes.

    Args:
        stacked: the same panels one above the other, `STACKED_INCHES` wide.
    """
    png = io.BytesIO()
    extent = _extent(figure)
    figure.savefig(png, format="png", facecolor="white", bbox_inches=extent, metadata={"Software": None})
    svg = _titled(_svg(figure, name, extent), caption)
    on_white = re.sub(r"(<svg[^>]*>)", r'\1<rect width="100%" height="100%" fill="#ffffff"/>', svg, count=1)
    below = None
    if stacked is not None:
        _begin_titles_at_the_left(stacked)
        below = _inline(_titled(_svg(stacked, f"{name}-stacked", _extent(stacked)), caption))
    return Drawing(name, caption, on_white, png.getvalue(), _inline(svg), below)


def _begin_titles_at_the_left(figure: Figure) -> None:
    """Where the labels begin: from where its axes do, a long title would make a narrow figure wider."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_title(axes.get_title(loc="left"), loc="left", x=-box.x0 / box.width)


def _extent(figure: Figure) -> Bbox:
    """What is drawn, in inches: measured once for all forms of a figure, because it takes as long as drawing one."""
    figure.draw_without_rendering()
    return figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])


def _svg(figure: Figure, name: str, extent: Bbox) -> str:
    text = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(text, format="svg", facecolor="none", bbox_inches=extent, metadata={"Date": None})
    return text.getvalue()


def _titled(svg: str, caption: str) -> str:
    """The figure with what it shows in words, for those who hear it."""
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}<title>{escape(caption)}</title>{svg[start:]}"


def _inline(svg: str) -> str:
    """The `svg` element alone, in the page's ink, scaled to the page's width; no references to other hosts."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'<g id="[A-Za-z_]+\d*">', "<g>", element)
    element = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"', r'\1 style="--natural: \2pt"', element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[\d.]+pt"', r"\1", element, count=1)
    return element.replace(INK, "currentColor")


def bare(axes: Axes) -> None:
    """No frame and no tick marks, as under a heat map."""
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
