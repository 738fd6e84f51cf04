"""What a check is given, and what it finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.on_head.home import STORAGE_VARIABLE, TRACKING_VARIABLE

State = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name.
        state: a warning is for whoever reads it; with a failure a run fails or stops working.
        says: one sentence.
        remedy: what to do; empty where nothing is to be done.
        fix: does it, safely and any number of times, and says what it has done; None where only people can.
    """

    check: str
    state: State
    says: str
    remedy: str = ""
    fix: Callable[[], str] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Case:
    """What is examined.

    Attributes:
        sweep: whose storage, tracking server, data and backbones are looked at; those of the environment without one.
        address: of a Ray cluster that this machine is a node of; None looks at this machine alone.
        facts: what is known so far, as JSON data; checks add to it.
    """

    sweep: Sweep | None = None
    address: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def storage(self) -> str | None:
        """Where results are, or would be."""
        root = os.environ.get(STORAGE_VARIABLE)
        if self.sweep is None:
            return root
        is_relative = "://" not in self.sweep.storage and not Path(self.sweep.storage).is_absolute()
        return f"{root.rstrip('/')}/{self.sweep.name}" if root and is_relative else self.sweep.storage

    @property
    def tracking_uri(self) -> str | None:
        """Where runs are logged, or would be; None where nothing says so."""
        named = os.environ.get(TRACKING_VARIABLE)
        if self.sweep is None:
            return named
        try:
            return tracking_uri_of(self.storage or "", self.sweep.tracking_uri or named)
        except InputError:
            return None


Check = Callable[[Case], Iterator[Finding]]
