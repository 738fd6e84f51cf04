"""A driver process that runs a small search, and says which units it trained.

python -m support.processes.search_drive STORAGE PRUNER TRIALS [PLACE]
"""

from __future__ import annotations

import sys

from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.stack import Stack
from support.sweeps.searches import killed_search, search


class Printer(Listener):
    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print(outcome.status, outcome.key, flush=True)


def main(storage: str, pruner: str, trials: str, *place: str) -> int:
    print("begins", flush=True)
    _, standings = search(killed_search(storage, pruner, int(trials), *place), listeners=[Printer()])
    return 0 if all(standing.complete for standing in standings) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
