"""The runner without Ray: stacks run one after the other in this process, in the order of the plan.

For tests, debugging and small machines. One process trains every stack, however many workers it might have elsewhere:
the numbers are the same but for rounding, and but for the draws of dropout. Exceptions are not wrapped: a bug shows its
own traceback.
"""

from __future__ import annotations

import time
from functools import partial

from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.run_stack import run_stack
from panda_ray.execution.work.workspace import Settings, Workspace

_PAUSE_SECONDS = 0.2


class InlineRunner:
    """Runs a plan in this process."""

    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        workspace = Workspace(settings)
        while not dispatch.exhausted:
            stack = dispatch.next()
            if stack is None:  # other drivers are at work on all that is left, or on what the steering waits for
                time.sleep(_PAUSE_SECONDS)
                continue
            dispatch.started(stack)
            outcomes = run_stack(stack, store, workspace, partial(dispatch.epoch, stack))
            dispatch.finished(stack, outcomes)
