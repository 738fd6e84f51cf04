"""The part of the Hugging Face Hub's HTTP interface that its own client uses to push to and to read a repository.

A commit lays its files over those of the one before. Binary files come by LFS, as the Hub asks for them; anything that
changes something needs the token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_this_test"


class Hub:
    """What the server knows.

    Attributes:
        commits: per repository (of data sets with `datasets/` in front), the files of each commit, the newest last.
        asked: method and path of every request.
    """

    def __init__(self) -> None:
        self.commits: dict[str, list[dict[str, bytes]]] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []

    def oid(self, repository: str, number: int) -> str:
        return hashlib.sha1(f"{repository} {number}".encode(), usedforsecurity=False).hexdigest()

    def files(self, repository: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Id and files of a commit."""
        commits = self.commits.get(repository)
        if commits is None:
            return None
        ids = [self.oid(repository, number) for number in range(len(commits))]
        if revision not in ("main", *ids):
            return None
        number = len(ids) - 1 if revision == "main" else ids.index(revision)
        return ids[number], commits[number]

    def commit(self, repository: str, lines: list[dict[str, Any]]) -> str:
        files = dict(self.commits[repository][-1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.objects[value["oid"]]
        self.commits[repository].append(files)
        return self.oid(repository, len(self.commits[repository]) - 1)


@contextmanager
def hub_server() -> Iterator[tuple[str, Hub]]:
    """Address of a server on this machine, and what it knows."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: _Handler(hub, *given))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *given: Any) -> None:
        self.hub = hub
        super().__init__(*given)

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._read()

    def do_GET(self) -> None:
        self._read()

    def do_PUT(self) -> None:
        body = self._body()
        self.hub.objects[hashlib.sha256(body).hexdigest()] = body
        self._answer(200)

    def do_POST(self) -> None:
        body, path = self._body(), self._path()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid credentials in Authorization header"})
        elif path == "api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif path == "api/repos/create":
            asked = json.loads(body)
            repository = f"{asked['organization']}/{asked['name']}"
            self.hub.commits.setdefault(repository, [{".gitattributes": b""}])
            self._answer(200, {"url": f"{self._endpoint()}/{repository}"})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self._endpoint()}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._answer(200, {"transfer": "basic", "objects": objects})
        else:
            _, _, owner, name, action, *_ = path.split("/")
            self._change(f"{owner}/{name}", action, body)

    def _change(self, repository: str, action: str, body: bytes) -> None:
        if action == "preupload":
            asked = [file["path"] for file in json.loads(body)["files"]]
            modes = [{"path": path, "uploadMode": _mode(path), "shouldIgnore": False, "oid": None} for path in asked]
            self._answer(200, {"files": modes})
        else:
            oid = self.hub.commit(repository, [json.loads(line) for line in body.splitlines() if line])
            url = f"{self._endpoint()}/{repository}/commit/{oid}"
            self._answer(200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def _read(self) -> None:
        parts = self._path().split("/")
        if parts[0] == "api":
            self._read_about("datasets/" if parts[1] == "datasets" else "", *parts[2:])
            return
        kind = "datasets/" if parts[0] == "datasets" else ""
        if len(parts) < 4:
            self._answer(200)
            return
        owner, name, _, revision, *file = parts[1:] if kind else parts
        found = self.hub.files(f"{kind}{owner}/{name}", revision)
        data = None if found is None else found[1].get("/".join(file))
        if found is None or data is None:
            self._missing("EntryNotFound" if f"{kind}{owner}/{name}" in self.hub.commits else "RepoNotFound")
            return
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": found[0]}
        self._answer(200, data, headers)

    def _read_about(self, kind: str, owner: str = "", name: str = "", *rest: str) -> None:
        """A commit, or the files and folders of one below a path."""
        action, revision, *below = rest if len(rest) > 1 else ("revision", "main")
        repository = f"{kind}{owner}/{name}"
        found = self.hub.files(repository, revision)
        if found is None:
            self._missing("RevisionNotFound" if repository in self.hub.commits else "RepoNotFound")
        elif action == "tree":
            inside = "".join(f"{part}/" for part in below)
            listed = [_entry(path, data) for path, data in found[1].items() if path.startswith(inside)]
            folders = {path.rpartition("/")[0] for path in found[1] if path.startswith(inside)} - {""}
            self._answer(200, [*listed, *({"type": "directory", "path": path, "oid": "0"} for path in folders)])
        else:
            said = {
                "id": f"{owner}/{name}",
                "sha": found[0],
                "siblings": [{"rfilename": path, "size": len(data)} for path, data in found[1].items()],
            }
            self._answer(200, said)

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        return path

    def _endpoint(self) -> str:
        return f"http://{self.headers['Host']}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _missing(self, what: str) -> None:
        self._answer(404, {"error": what}, {"X-Error-Code": what})

    def _answer(self, status: int, said: Any = b"", headers: dict[str, str] | None = None) -> None:
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _mode(path: str) -> str:
    return "lfs" if path.endswith((".safetensors", ".parquet")) else "regular"


def _entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "file",
        "path": path,
        "size": len(data),
        "oid": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    }
    if _mode(path) == "lfs":
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry
