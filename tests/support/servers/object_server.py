"""An S3 server on loopback (moto), and a proxy before it that adds a distance and counts what is asked."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

import fsspec
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "bucket"
KEY_ID, SECRET = "AKIAOBJECTSTEST00000", "s3-secret-nobody-must-ever-see-0123456789"
"""What a client signs with; moto takes any."""

_REQUEST = re.compile(rb"(GET|PUT|HEAD|DELETE|POST) (\S+) HTTP/1\.1\r\n")


@dataclass(frozen=True)
class Request:
    """One request: its kind (the verb, or `LIST`) and its path below the bucket, which is the prefix of a listing."""

    kind: str
    path: str


class Proxy:
    """Passes on what a client and a server say; whatever the client says arrives later.

    Attributes:
        requests: what was asked, in this order.
        seconds: from the client to the server and back; a new connection takes one more.
        port: where it listens on loopback.
        most_at_once: requests that were on their way to the server beside each other.
    """

    def __init__(self, server: tuple[str, int], seconds: float = 0.0) -> None:
        self._server = server
        self.seconds = seconds
        self.requests: list[Request] = []
        self.port = 0
        self._on_the_way = self.most_at_once = 0
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._listening.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        listener = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = listener.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        listener.close()
        self._loop.run_until_complete(_cancelled(asyncio.all_tasks(self._loop)))
        self._loop.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.seconds)  # the handshake
        server, to_server = await asyncio.open_connection(*self._server)
        await asyncio.gather(self._up(client, to_server), _pass_on(server, to_client))

    async def _up(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        with _closing(to_server):
            while data := await client.read(1 << 20):
                self._note(data)
                self._on_the_way += 1
                self.most_at_once = max(self.most_at_once, self._on_the_way)
                await asyncio.sleep(self.seconds)
                self._on_the_way -= 1
                to_server.write(data)
                await to_server.drain()

    def _note(self, data: bytes) -> None:
        """A client waits for an answer before it asks again, so a request begins where something is read."""
        if (found := _REQUEST.match(data)) is None:
            return
        verb, target = found[1].decode(), unquote(found[2].decode())
        listed = re.search(r"[?&]prefix=([^&]*)", target)
        kind = "LIST" if "list-type=" in target else verb
        path = listed[1] if listed else target.removeprefix(f"/{BUCKET}/").partition("?")[0]
        self.requests.append(Request(kind, path))


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
    with _closing(to_client):
        while data := await server.read(1 << 20):
            to_client.write(data)
            await to_client.drain()


@contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    except ConnectionError:
        pass
    finally:
        writer.close()


@dataclass(frozen=True)
class ObjectServer:
    """A server with an empty bucket; clients of this process and of its children find it by their environment."""

    proxy: Proxy

    def storage(self, name: str) -> str:
        """The URL of a store."""
        return f"s3://{BUCKET}/{name}"

    def asked(self, url: str) -> list[Request]:
        """What was asked of one store, in this order."""
        return [request for request in self.proxy.requests if f"s3://{BUCKET}/{request.path}/".startswith(f"{url}/")]


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """A server as long as the context."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    proxy = Proxy(server.get_host_and_port())
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).call_s3("create_bucket", Bucket=BUCKET)
        try:
            yield ObjectServer(proxy)
        finally:
            proxy.stop()
            server.stop()
