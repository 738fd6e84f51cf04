"""The metadata service that a machine asks about itself, with what AWS and Google Cloud demand of callers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Cloud = Literal["aws", "gcp"]
TOKEN = "/latest/api/token"
ACTION = "/latest/meta-data/spot/instance-action"
PREEMPTED = "/computeMetadata/v1/instance/preempted"


@dataclass
class MetadataServer:
    """One machine's service.

    Attributes:
        host: and port, on which it listens.
        body: of AWS's notice; empty as long as there is none.
        preempted: Google's.
        token: that AWS's asks for.
        asked: paths, as they came.
        is_sick: whether it answers with errors alone.
        flavor: what Google's says of itself with each answer.
    """

    cloud: Cloud
    host: str = ""
    body: str = ""
    preempted: bool = False
    token: str = "token-1"
    is_sick: bool = False
    flavor: str = "Google"
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """By which both clouds' own libraries are sent here; the other cloud's service refuses connections."""
        nobody = "127.0.0.1:9"
        aws, gcp = (self.host, nobody) if self.cloud == "aws" else (nobody, self.host)
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{aws}", "GCE_METADATA_HOST": gcp}

    def give_notice(self, deadline: float) -> None:
        """Say when the machine goes (seconds since 1970), as far as the cloud does."""
        time = datetime.fromtimestamp(deadline, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.body = json.dumps({"action": "terminate", "time": time})
        self.preempted = True

    def answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        self.asked.append(path)
        if self.is_sick:
            return 503, ""
        if self.cloud == "gcp":
            known = (method, path) == ("GET", PREEMPTED)
            allowed = headers.get("metadata-flavor") == "Google"
            return (404, "") if not known else (200, str(self.preempted).upper()) if allowed else (403, "")
        if (method, path) == ("PUT", TOKEN):
            return (200, self.token) if headers.get("x-aws-ec2-metadata-token-ttl-seconds") else (400, "")
        if headers.get("x-aws-ec2-metadata-token") != self.token:
            return 401, ""
        return (200, self.body) if (method, path) == ("GET", ACTION) and self.body else (404, "")


@contextmanager
def metadata_server(cloud: Cloud) -> Iterator[MetadataServer]:
    """One that listens on loopback as long as the context lasts."""
    machine = MetadataServer(cloud)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = machine.answer(
                self.command, self.path, {name.lower(): value for name, value in self.headers.items()}
            )
            self.send_response(status)
            if machine.cloud == "gcp":
                self.send_header("Metadata-Flavor", machine.flavor)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        machine.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield machine
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def drain_on_notice(ray_address: str, server: MetadataServer) -> Iterator[subprocess.Popen[str]]:
    """The program that listens on a machine of a cloud."""
    environment = os.environ | server.environment | {"RAY_ADDRESS": ray_address, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "panda_ray.cli", "drain-on-notice"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
