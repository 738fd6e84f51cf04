"""A driver process that runs a small search and says which units it trained.

python -m support.search_drive STORAGE PRUNER
"""

from __future__ import annotations

import sys

from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.stack import Stack
from support.searches import killed_search, search


class Printer(Listener):
    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print(outcome.status, outcome.key, flush=True)


def main() -> int:
    storage, pruner = sys.argv[1:]
    print("begins", flush=True)
    summary, standings = search(killed_search(storage, pruner), listeners=[Printer()])
    print("ended", summary.interrupted, flush=True)
    return 0 if all(standing.complete for standing in standings) else 1


if __name__ == "__main__":
    sys.exit(main())
