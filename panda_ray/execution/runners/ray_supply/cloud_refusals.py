"""What a cloud said when it started no worker, and what its user can do about it.

Read from the log of Ray's autoscaler: its status names the type of worker and keeps no reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_LATELY = timedelta(minutes=10)
"""While somebody wants a worker, Ray asks for it every few seconds."""

_MOST_WORDS = 25

_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+\t.* -- "
    r"(?:Failed to launch \d+ nodes of type (?P<refused>\S+): (?P<said>.*)|Launched \d+ nodes of type (?P<came>\S+)\.)"
)
_AWS_CODE = re.compile(r"Node Launch Exception \((?P<code>\w+)\): (?P<said>.*)")

_QUOTA = "ask the cloud for more of it, or let the cluster file name workers that there is quota for"
_CAPACITY = "it is tried again and again; other zones, regions or types of machine in the cluster file may have some"
_ROLE = "the head may not start it: give it a role of clusters/aws_account.yaml, or its service account the right"
_REMEDIES: Mapping[str, str] = {
    "VcpuLimitExceeded|MaxSpotInstanceCountExceeded|InstanceLimitExceeded|QUOTA_EXCEEDED|quotaExceeded": _QUOTA,
    "Quota '": _QUOTA,
    "InsufficientInstanceCapacity|ZONE_RESOURCE_POOL_EXHAUSTED|UnfulfillableCapacity": _CAPACITY,
    "SpotMaxPriceTooLow": "raise MaxPrice in the cluster file, or wait until the spot price has fallen",
    "UnauthorizedOperation|AccessDenied|PERMISSION_DENIED|forbidden": _ROLE,
}
"""By what a cloud says, a regular expression."""


@dataclass(frozen=True)
class Refusal:
    """The last word of a cloud on a type of worker.

    Attributes:
        said: in its own words.
    """

    node_type: str
    said: str

    @property
    def sentence(self) -> str:
        """What is not there, and why."""
        return f"the cloud starts no worker of type {self.node_type}: {_shortened(self.said)}"

    @property
    def remedy(self) -> str:
        """What to do."""
        found = (remedy for pattern, remedy in _REMEDIES.items() if re.search(pattern, self.said))
        return next(
            found, "what it means is for the cloud's documentation to say; monitor.log of the head has all of it"
        )


def cloud_refusals(log: str, now: datetime) -> list[Refusal]:
    """Of each type of worker that was refused lately, and of which none has come since.

    Args:
        log: the end of the autoscaler's log.
        now: by the clock and in the zone that it was written in.
    """
    last: dict[str, Refusal] = {}
    for line in log.splitlines():
        if (found := _LINE.match(line)) is None:
            continue
        if found["came"] is not None:
            last.pop(found["came"], None)
        elif now - datetime.fromisoformat(found["at"]) <= _LATELY:
            last[found["refused"]] = Refusal(found["refused"], _words_of(found["said"]))
    return list(last.values())


def _words_of(said: str) -> str:
    aws = _AWS_CODE.match(said)
    return said if aws is None else f"{aws['code']}, {aws['said']}"


def _shortened(said: str) -> str:
    words = said.split()
    return said.rstrip(".") if len(words) <= _MOST_WORDS else f"{' '.join(words[:_MOST_WORDS])} ..."
