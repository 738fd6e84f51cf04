"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.on_head.home import Home

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

    @property
    def data(self) -> dict[str, str]:
        """The same as JSON data, from which it is made again."""
        return {"check": self.check, "state": self.state, "says": self.says, "remedy": self.remedy}


@dataclass(frozen=True)
class Case:
    """What is examined.

    Attributes:
        sweep: whose storage, tracking server, data and backbones are looked at, as it would be run here.
        address: of a Ray cluster that this machine is a node of; None looks at this machine alone.
        home: what the cluster of this machine says of itself; looked at where there is no sweep.
        facts: what is known so far, as JSON data; checks add to it.
    """

    sweep: Sweep | None = None
    address: str | None = None
    home: Home | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def storage(self) -> str | None:
        """Where results are, or would be."""
        if self.sweep is not None:
            return self.sweep.storage
        return None if self.home is None else self.home.root

    @property
    def tracking_uri(self) -> str | None:
        """Where runs are logged, or would be; None where nothing says so."""
        if self.sweep is None:
            return None if self.home is None else self.home.tracking_uri
        try:
            return tracking_uri_of(self.sweep.storage, self.sweep.tracking_uri)
        except InputError:
            return None


Check = Callable[[Case], Iterator[Finding]]
