"""The driver's job of a submitted sweep: noted beside the sweeps before it runs, and with how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from panda_ray.errors import InputError
from panda_ray.execution.signals import EXIT_INTERRUPTED, signals_end_the_run
from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.usecases.on_head.home import find_home
from panda_ray.usecases.on_head.submissions import Submission, Submissions, known_submission

_EXIT_INPUT = 2


def drive(sweep: Sweep, submission_id: str, run: Callable[[Sweep], int]) -> int:
    """Run a sweep as it stands on this cluster; the exit status of its run.

    Args:
        sweep: as it was submitted.
        run: runs it, and gives its exit status.

    Raises:
        InputError: the cluster names no storage, or the sweep cannot be run.
    """
    home = find_home()
    notes = Submissions(home)
    begun = Submission(submission_id, "running", 0.0, _without_password(sweep).as_written()).now("running")
    with signals_end_the_run():
        code = _EXIT_INPUT
        try:
            notes.keep(begun)
            code = run(home.settle(sweep))
        except KeyboardInterrupt:  # before there was a plan, or while the closing was printed
            code = EXIT_INTERRUPTED
        finally:
            notes.keep((_asked(notes, begun) or begun).ended(code))
    return code


def submitted_sweep(name: str) -> Sweep:
    """What was submitted last under a name.

    Raises:
        InputError: nothing was, or by a panda_ray with another schema of sweeps.
    """
    try:
        return Sweep.model_validate(known_submission(name).sweep)
    except ValidationError:
        raise InputError(f"{name} was submitted by another panda_ray; submit its sweep file again") from None


def mark(name: str, submission_id: str, state: str) -> dict[str, Any]:
    """Note why a driver gets its signal; JSON data of the submission, or empty where its driver has not begun."""
    notes = Submissions(find_home())
    found = notes.find(name)
    if found is None or found.id != submission_id:
        return {}
    notes.keep(found.now(state))
    return found.now(state).summary


def _asked(notes: Submissions, begun: Submission) -> Submission | None:
    """The note of this very submission, in which a laptop may have left what it wants."""
    found = notes.find(begun.name)
    return found if found is not None and found.id == begun.id else None


def _without_password(sweep: Sweep) -> Sweep:
    """A tracking server's password is not kept: who goes on takes the cluster's server."""
    uri = sweep.tracking_uri
    return sweep if uri is None or public(uri) == uri else sweep.model_copy(update={"tracking_uri": None})
