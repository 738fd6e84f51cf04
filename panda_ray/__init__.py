"""panda_ray: prompt transfer at the scale of a grid.

A frozen backbone, a small trained prompt per task, and every source x target pair of a study as one sweep file.

    import panda_ray as pr

    sweep = pr.Sweep.load("quickstart")
    sweep.run()
    sweep.frame("scores")

docs/python.md has the rest. What is named here is imported when it is used, so that `import panda_ray` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_OFFERED = ("Prompt", "Sweep", "adapt", "recommend")

if TYPE_CHECKING:
    from panda_ray.python import Prompt, Sweep, adapt, recommend

__all__ = ["Prompt", "Sweep", "__version__", "adapt", "recommend"]


def __getattr__(name: str) -> object:
    if name in _OFFERED:
        return getattr(import_module("panda_ray.python"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED})
