"""Runs small searches, each in a driver process of its own, and says which units they trained.

python -m support.search_drive, with a line STORAGE PRUNER TRIALS [PLACE] on stdin for each. A driver is a fork of this
process, which has imported everything: it begins at once, and may be killed.
"""

from __future__ import annotations

import os
import sys
import traceback

from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.stack import Stack
from support.searches import killed_search, search


class Printer(Listener):
    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print(outcome.status, outcome.key, flush=True)


def drive(storage: str, pruner: str, trials: str, *place: str) -> int:
    print("begins", os.getpid(), flush=True)
    _, standings = search(killed_search(storage, pruner, int(trials), *place), listeners=[Printer()])
    return 0 if all(standing.complete for standing in standings) else 1


def main() -> None:
    for line in sys.stdin:
        driver = os.fork()
        if driver == 0:
            try:
                os._exit(drive(*line.split()))
            except BaseException:
                traceback.print_exc()
                os._exit(2)
        _, ended = os.waitpid(driver, 0)
        print("ended", os.waitstatus_to_exitcode(ended), flush=True)


if __name__ == "__main__":
    main()
