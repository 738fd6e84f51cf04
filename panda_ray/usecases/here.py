"""Whether this machine could run a sweep."""

from __future__ import annotations

import os
from importlib.util import find_spec

from panda_ray.errors import InputError
from panda_ray.sweep import ResourceSection


def lacking_here(resources: ResourceSection) -> str | None:
    """What `run` would refuse here; None where this machine has room for a stack, or no Ray to start.

    Ray counts what there is. It takes a second to import, so it is not asked where any machine will do.
    """
    is_modest = not resources.gpus_per_stack and not resources.workers
    if (is_modest and resources.cpus_per_stack <= (os.cpu_count() or 1)) or find_spec("ray") is None:
        return None
    from panda_ray.execution.runners.ray_supply.slots import check_resources

    try:
        check_resources(resources)
    except InputError as error:
        return f"{error}; it needs a cluster: panda-ray submit, or run --address"
    return None
