"""What is known of one cell of a sweep on a cluster: how its units stand, and what its driver's log says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from panda_ray.clusters.open_cluster import Cluster
from panda_ray.usecases.remote.asking import ask_head
from panda_ray.usecases.watching.event_lines import event_in, short_key


@dataclass(frozen=True)
class CellLog:
    """A cell of some methods and seeds.

    Attributes:
        cells, units: JSON data, as `usecases/on_head/cell_units.py` has them.
    """

    name: str
    cells: list[Mapping[str, Any]]
    units: Mapping[str, Mapping[str, Any]]

    def events(self, lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        """Those of a driver's events that are about the cell; each one's `units` are titles of the cell's."""
        titles = {short_key(key): unit["title"] for key, unit in self.units.items()}
        for line in lines:
            if (event := event_in(line)) is not None:
                ours = [titles[key] for key in event["units"] if key in titles]
                if ours:
                    yield {**event, "units": ours}


def look_at_cell(cluster: Cluster, sweep: str, name: str) -> CellLog:
    """Ask the head.

    Raises:
        InputError: there is no such sweep or cell there.
        UnreachableError: the cluster is not there, or lets us not in.
    """
    answer = ask_head(cluster, "cell", sweep, "--", name)
    return CellLog(name, answer["cells"], answer["units"])
