"""What a fork of the warm process is asked to become."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

_PIECE = 1 << 16


@dataclass(frozen=True)
class Request:
    """A module and its arguments, as `python -m` has them."""

    module: str
    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]

    def send(self, address: str, streams: Sequence[int]) -> int:
        """Have a process with these standard streams; returns its id.

        Args:
            address: the name of a socket that is in no folder.
        """
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(f"\0{address}")
            socket.send_fds(server, [b" "], streams)
            server.sendall(json.dumps(asdict(self)).encode())
            server.shutdown(socket.SHUT_WR)
            return int(server.recv(_PIECE))

    @classmethod
    def received(cls, connection: socket.socket) -> tuple[Request, list[int]]:
        """What was sent: a request, and the descriptors of standard streams."""
        said, streams, _, _ = socket.recv_fds(connection, 1, 3)
        while piece := connection.recv(_PIECE):
            said += piece
        return cls(**json.loads(said)), streams
