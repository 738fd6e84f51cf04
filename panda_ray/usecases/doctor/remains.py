"""What drivers that died left behind: in MLflow, in the storage, on this machine. Nothing of a live one is touched."""

from __future__ import annotations

from collections.abc import Iterator

from panda_ray.execution.runners.temporary import left_over_folders, remove_left_over_folders
from panda_ray.execution.store.store import Store
from panda_ray.tracking.server.uri import database_of, is_sqlite
from panda_ray.tracking.upkeep import end_stale, stale_sweeps
from panda_ray.usecases.doctor.case import Case, Finding


def check_stale_runs(case: Case) -> Iterator[Finding]:
    """Sweeps that MLflow takes for running, and whose driver was not heard of for minutes."""
    uri = case.tracking_uri
    if uri is None or (is_sqlite(uri) and not database_of(uri).exists()):
        return
    stale = stale_sweeps(uri, None if case.sweep is None else case.sweep.name)
    if not stale:
        yield Finding("stale runs", "ok", "every run that MLflow takes for running was heard of lately")
        return

    def fix() -> str:
        return f"{end_stale(uri, stale)} runs were ended"

    names = ", ".join(each.name for each in stale)
    count = sum(len(each.summaries) + len(each.runs) for each in stale)
    says = f"MLflow takes {count} runs of {names} for running, and no driver of theirs was heard of for minutes"
    yield Finding("stale runs", "warning", says, "run the sweep again, or end them: panda-ray doctor --fix", fix)


def check_leases(case: Case) -> Iterator[Finding]:
    """Leases of processes that are gone from this machine."""
    if (store := _store(case)) is None:
        return
    expired, held = store.leases.look()
    if not expired:
        yield Finding("leases", "ok", f"{held} leases, none of a process that is certainly gone")
        return

    def fix() -> str:
        store.leases.remove_leftovers()
        return f"{expired} leases were removed"

    says = f"{expired} of {expired + held} leases are of processes that are gone"
    yield Finding("leases", "warning", says, "the next run removes them, or panda-ray doctor --fix", fix)


def check_leftovers(case: Case) -> Iterator[Finding]:
    """Half-written units and temporary files of a storage, and folders of killed drivers on this machine."""
    folders = left_over_folders()
    store = _store(case)
    half, temporary = ((), ()) if store is None else (store.leftovers.half_written(), store.leftovers.temporary())
    if not folders and not half and not temporary:
        yield Finding("leftovers", "ok", "nothing was left behind by processes that died")
        return

    def fix() -> str:
        files = 0 if store is None else store.leftovers.remove()
        return f"{files} files of the storage and {remove_left_over_folders()} folders of this machine were removed"

    says = (
        f"processes that died left {len(half)} files of units without a record, {len(temporary)} temporary files and "
        f"{len(folders)} folders in /tmp"
    )
    yield Finding("leftovers", "warning", says, "they take room: panda-ray doctor --fix", fix)


def _store(case: Case) -> Store | None:
    """The storage of a sweep; a cluster's root is that of many."""
    return None if case.sweep is None or case.storage is None else Store(case.storage)
