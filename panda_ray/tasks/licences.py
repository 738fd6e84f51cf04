"""Under which licence a task's rows are, as far as the package knows: what was trained on them may inherit it."""

from __future__ import annotations

from panda_ray.tasks.rows.own.hub_files import is_on_hub, unpinned
from panda_ray.tasks.task import FileOrigin, HubOrigin, TaskSpec, UserOrigin


def licence_of(spec: TaskSpec) -> str:
    """In words; of whose rows it is where the package does not say which."""
    origin = spec.origin
    if isinstance(origin, HubOrigin):
        return f"that of {origin.repository} on the Hub"
    if isinstance(origin, UserOrigin):
        return f"that of the data ({origin.reason})"
    if isinstance(origin, FileOrigin) and is_on_hub(origin.data):
        return f"that of {unpinned(origin.data).repository} on the Hub"
    return "that of your own data" if isinstance(origin, FileOrigin) else "Apache-2.0, generated data"
