"""When a process counts as one that stands still; real ones are stopped in the tests on Ray."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.runners.ray_leaving import signs_of_life
from panda_ray.execution.runners.ray_leaving.signs_of_life import SILENT_SECONDS, Silence, end
from panda_ray.execution.store.owner import Owner, this_process

OWNER = {"machine": "here", "pid": 1, "started": "2"}


class World:
    """What workers have said, the time, and whose end was ordered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: dict[bytes, bytes] = {}
        self.now = 0.0
        self.ended: list[tuple[str, Any]] = []
        monkeypatch.setattr(signs_of_life, "_internal_kv_get", self.said.get)
        monkeypatch.setattr(signs_of_life, "_internal_kv_del", self.said.pop)
        monkeypatch.setattr(signs_of_life, "end_there", lambda node, owner: self.ended.append((node, owner)))
        self.silence = Silence("driver", lambda: self.now)

    def sign(self, stack: str, number: int) -> None:
        key = f"panda_ray/driver/{stack}/alive".encode()
        self.said[key] = json.dumps({"node": f"node of {stack}", "owner": OWNER, "number": number}).encode()

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.silence.ended(["one", "two", "begins"])


def test_a_process_without_a_new_sign_for_too_long_is_ended_once_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for number in range(5):
        world.sign("one", 0)
        world.sign("two", number)
        assert world.after(SILENT_SECONDS / 5) == []
    assert world.after(1.0) == [], "looked a moment ago"
    world.sign("two", 6)
    assert world.after(SILENT_SECONDS / 5) == ["one"]
    assert world.ended == [("node of one", OWNER)]
    assert world.after(SILENT_SECONDS / 2) == [], "its sign was taken away"


def test_one_that_has_ended_or_begun_anew_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.sign("one", 0)
    assert world.after(10.0) == []
    world.said.clear()
    assert world.after(SILENT_SECONDS) == []
    world.sign("one", 0)
    assert world.after(SILENT_SECONDS) == []
    assert world.after(SILENT_SECONDS) == ["one"]


def test_a_process_is_ended_only_if_it_is_still_the_one_that_was_meant() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        here = Owner(this_process().machine, process.pid, started(process.pid))
        end(asdict(here) | {"started": "1"})
        end(asdict(here) | {"machine": "another"})
        assert process.poll() is None
        end(asdict(here))
        assert process.wait() == -9


def started(pid: int) -> str:
    """As the kernel says it."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
