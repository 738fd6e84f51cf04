"""Results of one store in another: the same key, the same bytes, checked on the way."""

from __future__ import annotations

from collections.abc import Collection

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store


def copy_results(keys: Collection[str], origin: Store, store: Store) -> None:
    """Publish results of `origin` in `store`; what is done there stays as it is.

    Args:
        keys: of units that are done in `origin`, none of which was computed from another.

    Raises:
        InputError: a result was damaged or removed, and nothing of it was copied; the storage is full.
    """
    records = origin.records_of(keys)
    for key in keys:
        if (record := records.get(key)) is None:
            raise InputError(f"{origin.url}: the result {key} was removed or damaged meanwhile; try again")
        found = origin.read_files([(key, name) for name in record["files"]], records)
        damaged = next((error for error in found.values() if isinstance(error, LookupError)), None)
        if damaged is not None:
            raise InputError(
                f"{origin.url}: the result {key} is damaged, so nothing can be taken from it; remove it there: "
                f"panda-ray prompts rm {origin.url} {key[:12]}"
            )
        said = {name: value for name, value in record.items() if name not in ("files", "seal")}
        store.publish(key, said, {name: data for (_, name), data in found.items() if isinstance(data, bytes)})
