"""`panda-ray quickstart`: the whole study in miniature, wherever the package is installed."""

from __future__ import annotations

from panda_ray.cli.commands.run import Address, RunnerOption, run
from panda_ray.cli.options import Json, Overrides
from panda_ray.usecases.runner import RunnerName


def quickstart(
    overrides: Overrides, runner: RunnerOption = RunnerName.RAY, address: Address = None, as_json: Json = False
) -> None:
    """Run the sweep `quickstart`: built-in tasks and backbone, no hub, no GPU; results in runs/quickstart."""
    run("quickstart", overrides, runner, address, as_json)
