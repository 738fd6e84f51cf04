"""Is there a Ray cluster at an address, and can this process join it? Asked before Ray is.

Ray itself waits for minutes, writes log lines of its own meanwhile, and ends the whole process from C++ where it gives
up. So a socket is asked first, which takes seconds and imports nothing, and then Ray, in a process of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from panda_ray.errors import InputError

_CONNECT_SECONDS = 4.0
_ANSWER_SECONDS = 4.0
_PROBE_SECONDS = 60.0
"""For Ray's import on a busy machine; a server of its protocol has answered already."""
_GCS_SECONDS = 10.0

_HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What every gRPC client says first: the preface, and settings that change nothing (a frame of length 0 and type 4)."""
_SETTINGS_FRAME = 4

_SUBMIT = "`panda-ray submit` runs a sweep on a cluster from outside"
_FORMS = "allowed: auto, or host:port of a cluster that this machine belongs to"


def check_address(address: str) -> None:
    """Refuse an address at which there is no Ray cluster that this process can join.

    Args:
        address: "auto" or "host:port".

    Raises:
        InputError: with what is there instead.
    """
    check_socket(address)
    answer = _ask_ray(address)
    if "problem" in answer:
        raise InputError(f"--address {address}: {answer['problem']}")


def check_socket(address: str) -> None:
    """The part of `check_address` that takes seconds and needs no Ray, where the address says what to connect to.

    Raises:
        InputError: nobody answers there, or somebody else.
    """
    if "://" in address:
        raise InputError(f"--address {address}: {_what(address)} cannot run a sweep; {_SUBMIT} ({_FORMS})")
    named = os.environ.get("RAY_ADDRESS") or None if address == "auto" else address
    if named in (None, "auto"):
        return
    if "://" in named:
        raise InputError(f"--address auto: RAY_ADDRESS is {named}, and {_what(named)} cannot run a sweep; {_SUBMIT}")
    _ask_socket(address, named)


def _what(address: str) -> str:
    """What answers at a URL."""
    return "Ray's client protocol" if address.startswith("ray://") else "a Jobs API"


def _ask_socket(address: str, named: str) -> None:
    """Connect, greet as gRPC does, and wait for what a gRPC server answers with."""
    host, port = _parts(address, named)
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
                return
            connection.settimeout(_ANSWER_SECONDS)
            connection.sendall(_HTTP2_GREETING)
            answer = connection.recv(9)
    except socket.gaierror:
        raise InputError(f"--address {address}: there is no host {host!r}; {_FORMS}") from None
    except TimeoutError:
        raise InputError(f"--address {address}: no answer from {host} on port {port}; is the cluster up?") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(f"--address {address}: no Ray cluster on port {port} of {host} ({why}); is it up?") from None
    if len(answer) < 4 or answer[3] != _SETTINGS_FRAME:
        raise InputError(
            f"--address {address}: what answers on port {port} of {host} is no Ray cluster; "
            "its port is the one that `ray start --head` names, 6379 unless chosen"
        )


def _parts(address: str, named: str) -> tuple[str, int]:
    host, separator, port = named.rpartition(":")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"--address {address}: {named!r} is not an address; {_FORMS}")
    return host.strip("[]"), int(port)


def _ask_ray(address: str) -> Mapping[str, Any]:
    """What this module says as a program: `{}` if all is well, or a `problem`."""
    command = [sys.executable, "-m", __name__, address]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"problem": f"the cluster has not let this process in for {_PROBE_SECONDS:.0f} seconds"}
    lines = ended.stdout.splitlines()
    if ended.returncode or not lines:
        said = [line for line in ended.stderr.splitlines() if line.strip()]
        return {"problem": f"Ray gave up (exit status {ended.returncode}): {said[-1] if said else 'without a word'}"}
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _problem(address: str) -> str | None:
    """Why Ray cannot join this process to the cluster; None if it can."""
    from ray._common.usage import usage_lib
    from ray._private import services
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available
    from ray._private.utils import check_version_info
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    if address == "auto":
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    try:
        where = services.canonicalize_bootstrap_address(address)
    except ConnectionError:
        where = None
    if where is None:
        return (
            f"no Ray cluster runs on this machine; start one with `ray start --head`, or leave --address out ({_FORMS})"
        )
    if address == "auto":
        _ask_socket(address, where)
    client = GcsClient(address=where)
    nodes = client.get_all_node_info(timeout=_GCS_SECONDS)
    if (described := usage_lib.get_cluster_metadata(client)) is not None:
        check_version_info(described, "this machine")
    here = set(services.find_node_ids())  # type: ignore[no-untyped-call]
    # A process of another machine's may be seen, as those of containers are from outside, and not be reached.
    if not any(node.hex() in here and Path(info.raylet_socket_name).is_socket() for node, info in nodes.items()):
        return f"this machine is no node of the cluster at {where}; {_SUBMIT}"
    return None


def main() -> None:
    """Print the problem with the address that is the only argument, as JSON."""
    try:
        problem = _problem(sys.argv[1])
    except InputError as error:
        problem = str(error).partition(": ")[2]
    except Exception as error:
        problem = _explained(error)
    print(json.dumps({} if problem is None else {"problem": problem}))


def _explained(error: Exception) -> str:
    """Ray's own words, and what to do about a token."""
    text = " ".join(str(error).split())
    if "uthenticat" in type(error).__name__ + text or "token" in text.lower():
        return (
            "the cluster asks for another token; set RAY_AUTH_MODE=token, and its token in RAY_AUTH_TOKEN or the "
            f"file's path in RAY_AUTH_TOKEN_PATH ({text[:200]})"
        )
    return f"cannot join the Ray cluster there: {text}"


if __name__ == "__main__":
    main()
