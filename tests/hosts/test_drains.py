"""Stacks that are driven from node to node, twenty times in all; minutes, nearly all of it starts of nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.draining import check_drains, leaving_nodes


@pytest.mark.parametrize("stack", range(4))
def test_a_stack_leaves_five_drained_nodes_of_five_in_time(
    stack: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with leaving_nodes(tmp_path, monkeypatch) as nodes:
        check_drains(nodes, tmp_path, 5, monkeypatch)
