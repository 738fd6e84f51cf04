"""Records that planning has read, kept for whoever asks for them a moment later."""

from __future__ import annotations

_SEEN_BYTES = 128 << 20
"""Room for the records of some 30,000 units."""


class SeenRecords:
    """Bytes of records between `done_keys` and `records`, up to a limit; each is given out once."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._bytes = 0

    def clear(self) -> None:
        """Forget all."""
        self._data.clear()
        self._bytes = 0

    def keep(self, path: str, data: bytes) -> None:
        """Keep one while there is room."""
        if self._bytes < _SEEN_BYTES:
            self._data[path] = data
            self._bytes += len(data)

    def take(self, path: str, size: int) -> bytes | None:
        """What was read of a record, unless there is another one in its place by now."""
        data = self._data.pop(path, b"")
        return data if len(data) == size else None
