"""What drivers that share a store are at work on, so that each unit is trained by one of them.

    leases/<driver>-<name>.json     who holds it, the keys that it is for, how often the holder has said that it lives

A holder *announces* the keys that it wants and then *looks* at what others announced. Of two that want one key the
later one always sees the earlier one, so at most one of them holds it; where both still ask, the smaller name wins and
waits until the other one has given way. This needs a store that lists a file as soon as it was written, as local disks,
NFS and the object stores of today do, and no conditional writes: three requests and one removal for a whole stack.

A lease ends when it is released, when its process is gone from this machine (`owner.py`), or when it has not changed
for `EXPIRY_SECONDS` while somebody watched. No clocks are compared, neither those of machines nor those of files: a
watcher counts on its own one, which no correction moves. A holder that stands still for longer loses its lease; the
work is then done twice and one of the two equal results is kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Literal

from panda_ray.errors import InputError
from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.owner import Owner, this_process

BEAT_SECONDS = 10.0
"""How often a holder says that it lives."""

EXPIRY_SECONDS = 60.0
"""A lease that has not changed for so long, while it was watched, is over."""

PATIENCE_SECONDS = 10.0
"""How long the answer of another one that asks for the same keys may take; it is two requests away."""

_PAUSE_SECONDS = 0.05
_NAME = re.compile(r"leases/(?P<driver>[0-9a-f]{32})-[0-9a-f]{32}\.json")

State = Literal["asking", "holding"]


@dataclass(frozen=True)
class _Claim:
    """What one file says."""

    owner: Owner
    state: State
    members: frozenset[str]


@dataclass(frozen=True)
class _Sight:
    """A lease of another driver as it was seen last, and since when it has looked like that."""

    data: bytes
    since: float


class Lease:
    """Keys that nobody else works on until it is released.

    Attributes:
        members: those of the keys asked for that were free; the others are held by other drivers.
    """

    def __init__(self, files: Files, path: str, members: Collection[str]) -> None:
        self._files, self._path = files, path
        self._owner = this_process()
        self._beats = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self.members = frozenset(members)

    def announce(self, state: State) -> None:
        """Write it down, for others to see.

        Raises:
            StoreFullError: when there is no room.
        """
        claim = {"owner": asdict(self._owner), "state": state, "beats": self._beats, "members": sorted(self.members)}
        self._files.write(self._path, json.dumps(claim).encode(), durable=False)  # a crash ends a lease anyway

    def keep(self) -> None:
        """Say from now on that the holder lives."""
        self._thread.start()

    def release(self) -> None:
        """Let others have the keys."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()  # or it would write the file again
        with suppress(InputError, OSError):  # it runs out by itself
            self._files.remove(self._path)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, of: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            self._beats += 1
            with suppress(InputError, OSError):  # the next beat may get through
                self.announce("holding")


class Leases:
    """The leases of a store, as one driver and its workers see them.

    Args:
        driver: 32 hex digits, the same for a driver and its workers: a stack whose worker died goes on under the
            driver's own lease.
        clock: seconds that never jump; replaced by tests.
    """

    def __init__(self, files: Files, driver: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.driver = driver
        self._files, self._clock = files, clock
        self._sights: dict[str, _Sight] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles what listens to it; a lock cannot be, and what was seen of others is seen again."""
        return Leases, (self._files, self.driver)

    def take(self, name: str, members: Collection[str]) -> Lease:
        """Hold those of the keys that no other driver holds; to be released, also where it holds none.

        Args:
            name: what the keys are held for; a driver has one lease under a name, and takes over its own.

        Raises:
            StoreFullError: when there is no room.
        """
        path = f"leases/{self.driver}-{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
        lease = Lease(self._files, path, members)
        try:
            lease.announce("asking")
            lease.members -= self._refused(path, lease.members)
            if lease.members:
                lease.announce("holding")
                lease.keep()
        except BaseException:
            lease.release()
            raise
        if not lease.members:
            lease.release()
        return lease

    @contextmanager
    def alone(self, name: str, patience: float = 2 * EXPIRY_SECONDS) -> Iterator[bool]:
        """Do something while no other driver does what has the same name; wait for one that does.

        Yields whether nobody else does it; False after `patience` seconds.
        """
        ends = self._clock() + patience
        while not (lease := self.take(name, {name})).members and self._clock() < ends:
            time.sleep(10 * _PAUSE_SECONDS)
        with lease:
            yield bool(lease.members)

    def taken(self, members: Collection[str]) -> frozenset[str]:
        """Those of the keys that other drivers hold or ask for; asked again and again, it notices what is over."""
        held = frozenset[str]().union(*(claim.members for claim in self._others().values()))
        return held.intersection(members)

    def look(self) -> tuple[int, int]:
        """How many leases of other drivers are of processes that are certainly gone, and how many are not."""
        paths = [path for path in self._files.states("leases") if self._is_foreign(path)]
        claims = [_claim(data) for _, data in self._files.read_many(paths) if data is not None]
        gone = sum(claim is None or claim.owner.is_gone for claim in claims)
        return gone, len(claims) - gone

    def remove_leftovers(self) -> None:
        """Remove the leases of processes that are gone; those of other machines run out while they are watched."""
        self._others()

    def _refused(self, own: str, wanted: Collection[str]) -> frozenset[str]:
        """What others have, once everybody who asks for the same keys and has to give way did."""
        ends = self._clock() + PATIENCE_SECONDS
        while True:
            rivals = {path: claim for path, claim in self._others().items() if not claim.members.isdisjoint(wanted)}
            undecided = any(claim.state == "asking" and path > own for path, claim in rivals.items())
            if not undecided or self._clock() > ends:
                return frozenset[str]().union(*(claim.members for claim in rivals.values()))
            time.sleep(_PAUSE_SECONDS)

    def _others(self) -> Mapping[str, _Claim]:
        """The claims of other drivers by their file; what is over is removed."""
        with self._lock:
            paths = [path for path in self._files.states("leases") if self._is_foreign(path)]
            found: dict[str, _Claim] = {}
            sights: dict[str, _Sight] = {}
            for path, data in self._files.read_many(paths):
                if data is None:  # released since it was listed
                    continue
                sight = self._sights.get(path)
                sight = sight if sight is not None and sight.data == data else _Sight(data, self._clock())
                claim = _claim(data)
                if claim is None or claim.owner.is_gone or self._clock() - sight.since > EXPIRY_SECONDS:
                    self._files.remove(path)
                else:
                    found[path], sights[path] = claim, sight
            self._sights = sights
            return found

    def _is_foreign(self, path: str) -> bool:
        match = _NAME.fullmatch(path)
        return match is not None and match["driver"] != self.driver


def _claim(data: bytes) -> _Claim | None:
    """What a file says, or None if it is none of ours."""
    try:
        said: Any = json.loads(data)
        owner, state, members = Owner(**said["owner"]), said["state"], said["members"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    is_owner = isinstance(owner.machine, str) and isinstance(owner.started, str) and type(owner.pid) is int
    if not is_owner or not 0 < owner.pid < 2**31 or state not in ("asking", "holding") or not _is_texts(members):
        return None
    return _Claim(owner, state, frozenset(members))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
