"""A Postgres that lets everyone in and never answers a statement, which no driver's time limit ends."""

from __future__ import annotations

import socket
import struct
import threading

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
WELCOME = b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!i", 5) + b"I"
"""AuthenticationOk and ReadyForQuery of the wire protocol, version 3."""


class SilentPostgres:
    """Listens on loopback as long as this process lives.

    Attributes:
        uri: what a sweep's `tracking_uri` would be.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"postgresql://someone:secret@127.0.0.1:{self._listener.getsockname()[1]}/mlflow"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._welcome, daemon=True).start()

    def _welcome(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self._open.append(connection)
            while True:
                size, code = struct.unpack("!ii", connection.recv(8, socket.MSG_WAITALL))
                connection.recv(size - 8)
                if code not in (SSL_REQUEST, GSS_REQUEST):
                    break
                connection.sendall(b"N")
            connection.sendall(WELCOME)
