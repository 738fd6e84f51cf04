"""What `import panda_ray as pr` offers: sweeps as objects, with frames and pictures where the command line has text.

It calls use cases as the command line does, and decides nothing that they do not.
"""

from __future__ import annotations

from panda_ray.python.adapted import adapt
from panda_ray.python.loaded_prompt import Prompt
from panda_ray.python.opened_sweep import Sweep, recommend

__all__ = ["Prompt", "Sweep", "adapt", "recommend"]
