"""Stacks that are driven from node to node, twenty times in all, and one by a cloud's notice.

Minutes, nearly all of it starts of nodes and workers.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from support.processes.draining import NOTICE_SECONDS, Nodes, Taker, check_left_in_time, leaving_nodes, undisturbed
from support.servers.metadata_server import MetadataServer, drain_on_notice, metadata_server


class Cloud(Taker):
    """Announces the end of the machine where the machine asks for it, and says nothing to Ray."""

    def __init__(self, nodes: Nodes, server: MetadataServer) -> None:
        super().__init__(nodes, 1)
        self._server = server

    def take(self) -> None:
        self._server.give_notice(time.time() + NOTICE_SECONDS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(tmp_path_factory.mktemp("quiet"))


@pytest.mark.parametrize("stack", range(4))
def test_a_stack_leaves_five_drained_nodes_of_five_in_time(
    stack: int, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with leaving_nodes(tmp_path, monkeypatch) as nodes:
        check_left_in_time(Taker(nodes, 5), tmp_path, expected, monkeypatch)


def test_a_stack_leaves_a_machine_whose_cloud_has_announced_its_end(
    expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        leaving_nodes(tmp_path, monkeypatch) as nodes,
        metadata_server("gcp") as server,
        drain_on_notice(nodes.address, server) as program,
    ):
        assert program.stdout is not None
        assert program.stdout.readline().startswith("listening")
        check_left_in_time(Cloud(nodes, server), tmp_path, expected, monkeypatch)
        assert program.wait(timeout=60) == 0
