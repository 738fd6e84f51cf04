"""The one error of this room: a cluster that is not there, or lets nobody in."""

from __future__ import annotations

from panda_ray.errors import InputError


class UnreachableError(InputError):
    """A cluster cannot be reached or used from here; the message says what was tried and what to do."""
