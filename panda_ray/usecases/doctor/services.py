"""What a run needs besides machines: a storage that takes results, and a tracking server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.secrets import public
from panda_ray.tracking.server.health import health_of
from panda_ray.tracking.server.uri import database_of, is_sqlite, tracking_uri_of
from panda_ray.tracking.trial import check_is_free, check_takes
from panda_ray.usecases.doctor.case import Case, Finding

SLOW_SECONDS = 1.0
"""That trying a storage, or one question to MLflow, may take."""

SKEW_SECONDS = 5.0
"""That two clocks may differ."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_storage(case: Case) -> Iterator[Finding]:
    """Results can be put there and taken away again, soon, and with the time that it is here."""
    case.facts["storage_root"] = None if case.home is None else public(case.home.root)
    storage = case.storage
    if storage is None:
        return
    case.facts["storage"] = public(storage)
    store = Store(storage)
    started = time.monotonic()
    try:
        store.check_writable()
    except InputError as error:
        yield Finding("storage", "failure", str(error), "make it writable, or name another `storage`")
        return
    seconds = time.monotonic() - started
    case.facts["storage_seconds"] = round(seconds, 3)
    says = f"{public(store.url)} takes results; putting and removing a file took {1000 * seconds:.0f} ms"
    if seconds > SLOW_SECONDS:
        yield Finding("storage", "warning", says, "use a storage that is nearer to the workers")
    else:
        yield Finding("storage", "ok", says)
    if store.local_folder is not None:
        yield from _clock_of(store.local_folder)


def _clock_of(folder: Path) -> Iterator[Finding]:
    """A file server's clock; of object stores the request itself fails where it is wrong."""
    if not folder.is_dir():
        return
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        skew = Path(file.name).stat().st_mtime - time.time()
    yield from clock("storage", "the storage", skew)


def clock(check: str, whose: str, skew: float) -> Iterator[Finding]:
    """A finding where a clock is wrong.

    Args:
        skew: seconds that it is ahead of ours.
    """
    if abs(skew) > SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        says = f"the clock of {whose} is {abs(skew):.0f} s {way} the one here"
        yield Finding(check, "warning", says, "set both by NTP: times in MLflow and tokens of cloud storages need it")


def check_tracking(case: Case) -> Iterator[Finding]:
    """The server answers, soon, and is MLflow's."""
    if case.sweep is not None and case.tracking_uri is None:
        tracking_uri_of(case.storage or "", None)  # raises with what is to be set
    uri = case.tracking_uri
    case.facts["tracking_uri"] = None if uri is None else public(uri)
    if uri is None:
        return
    if is_sqlite(uri) and not database_of(uri).exists():
        yield Finding("tracking", "ok", f"the first run makes {database_of(uri)}")
        return
    found = health_of(uri)
    case.facts.update(tracking_version=found.version, tracking_seconds=round(found.seconds, 3))
    version = "" if found.version is None else f" {found.version}"
    says = f"MLflow{version} at {public(uri)} answered in {1000 * found.seconds:.0f} ms"
    ours = (case.facts.get("versions") or {}).get("mlflow")
    if found.version is not None and ours is not None and found.version.split(".")[0] != ours.split(".")[0]:
        remedy = "install the same major version on both sides"
        yield Finding("tracking", "failure", f"{says}, and here is {ours}", remedy)
    elif found.seconds > SLOW_SECONDS:
        yield Finding("tracking", "warning", says, "training does not wait for it; give it a database of its own")
    else:
        yield Finding("tracking", "ok", says)
    yield from _trial(case, uri)
    yield from clock("tracking", "the tracking server", found.skew)
    if case.address is not None and (urlsplit(uri).hostname or _LOOPBACK[0]) not in _LOOPBACK:
        yield Finding(
            "tracking",
            "warning",
            f"MLflow at {public(uri)} is open to whoever reaches that address, who may delete experiments",
            "only the driver writes: let it listen on 127.0.0.1 of the head (`panda-ray serve`)",
        )


def _trial(case: Case, uri: str) -> Iterator[Finding]:
    """What answers also takes what is logged, of this sweep."""
    try:
        check_takes(uri)
        if case.sweep is not None:
            check_is_free(uri, case.sweep.name, Store(case.sweep.storage))
    except InputError as error:
        yield Finding("tracking", "failure", str(error))
