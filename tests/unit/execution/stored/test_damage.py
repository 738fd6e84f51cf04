"""Whatever somebody did to a store's files: what is intact stays done, the rest is absent, and no reader raises."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from panda_ray.backbones import Geometry
from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.store.files import folder as folders
from panda_ray.execution.store.memory_limits import Footprint
from panda_ray.execution.store.sealed import LARGEST_FILE, seal
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.work.similarity import embedding_of
from panda_ray.prompts.prompt import Prompt
from support.sweeps import records
from support.sweeps.small_sweeps import planned, small_sweep

FOOTPRINT = Footprint("b", "i", "t", "prefix", 8, 4, 16, "fp32", 1)
EVERYWHERE = ("record.json", "prompt.*", "failures", "limits", "checkpoints", "leases")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A store in which every unit is done, and something of everything else that a store holds."""
    folder = tmp_path_factory.mktemp("pristine")
    plan, store = planned(small_sweep(folder))
    records.publish(plan, store)
    unit = next(iter(plan.units.values()))
    store.failures.write(unit.key, "the loss became NaN")
    store.limits.write(FOOTPRINT, 2, fits=False, device="a GPU")
    store.checkpoints.of([unit.key]).save(b"state" * 100)
    lease = json.dumps({"owner": {"machine": "m", "pid": 1, "started": "1"}, "state": "holding", "members": ["x"]})
    (folder / "leases").mkdir()
    (folder / "leases" / f"{'a' * 32}-{'b' * 32}.json").write_text(lease)
    return folder, plan


@pytest.fixture
def damaged(pristine: tuple[Path, Plan], tmp_path: Path) -> tuple[Path, Plan]:
    shutil.copytree(pristine[0], tmp_path / "store")
    return tmp_path / "store", pristine[1]


def place(folder: Path, what: str) -> Path:
    pattern = f"units/*/*/{what}" if "." in what else f"{what}/**/*"
    return next(path for path in sorted(folder.glob(pattern)) if path.is_file() and "predictions" not in path.name)


def look_everywhere(folder: Path, plan: Plan) -> frozenset[str]:
    """Everything that a plan, a run and a report read; the keys that are done."""
    store = Store(str(folder))
    done = store.done_keys()
    assert {key for key in plan.units if Store(str(folder)).is_done(key)} == done
    read = dict(store.records())
    assert done <= read.keys()
    for key in done:
        for name in read[key]["files"]:
            store.read_file(key, name)
    store.failures.among(set(plan.units))
    for unit in plan.units.values():
        store.failures.read(unit.key)
        store.record(unit.key)
        store.checkpoints.of([unit.key]).load()
    store.limits.all()
    store.leases.taken(plan.units)
    again = plan_from(plan.sweep, store, read_catalog(plan.sweep))
    Costs.in_store(again, store)
    store.remove_leftovers()
    return done


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(data))


def cut(path: Path, draw: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def binary(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"\xff\xfe\x00" + draw.randbytes(100))


def nested(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"[" * 200_000)


def folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def fifo(path: Path, draw: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path, draw: random.Random) -> None:
    """To the same bytes: only that it is a link can be held against it."""
    outside = next(parent for parent in path.parents if parent.name == "store").parent / "outside"
    path.rename(outside)
    path.symlink_to(outside)


def dangling(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def sparse(path: Path, draw: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)


def device(path: Path, draw: random.Random) -> None:
    path.unlink()
    try:
        os.mknod(path, 0o20644, os.makedev(1, 5))  # zeros without end
    except PermissionError:
        pytest.skip("only root makes devices")


Damage = Callable[[Path, random.Random], None]


@pytest.mark.parametrize("what", EVERYWHERE)
@pytest.mark.parametrize(
    "damage",
    [flip, cut, empty, binary, nested, folder, fifo, link, dangling, sparse, device],
    ids=lambda one: one.__name__,
)
@pytest.mark.timeout(60)
def test_what_is_damaged_is_absent_and_everything_else_stays(
    damaged: tuple[Path, Plan], what: str, damage: Damage
) -> None:
    storage, plan = damaged
    path = place(storage, what)
    damage(path, random.Random(1))
    lost = {path.parent.name} if what in ("record.json", "prompt.*") else set()
    assert look_everywhere(storage, plan) == plan.units.keys() - lost


def replaced(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda record: record | {name: value}


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda record: {key: value for key, value in record.items() if key != name}


def of_file(**values: Any) -> Callable[[dict[str, Any]], Any]:
    """The first file described otherwise."""

    def change(record: dict[str, Any]) -> Any:
        name, file = next(iter(sorted(record["files"].items())))
        return record | {"files": record["files"] | {name: file | values}}

    return change


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "files a list": replaced("files", []),
    "files of texts": replaced("files", {"prompt.safetensors": "x"}),
    "no files": without("files"),
    "no score": without("score"),
    "a text as score": replaced("score", "61"),
    "a truth as score": replaced("score", True),
    "a huge score": replaced("score", 10**400),
    "no history": replaced("history", []),
    "a history of lists": replaced("history", [[1, 2]]),
    "an unknown product": replaced("product", "other"),
    "a list as product": replaced("product", ["prompt"]),
    "no identity": replaced("identity", None),
    "an empty identity": replaced("identity", {}),
    "a width of 0": replaced("stack_width", 0),
    "another key": replaced("key", "0" * 64),
    "another name": lambda record: record | {"files": {"../x": next(iter(record["files"].values()))}},
    "a path upwards": of_file(path="../../../secret"),
    "an absolute path": of_file(path="/etc/passwd"),
    "a path with NUL": of_file(path="a\0b"),
    "a path into a folder": of_file(path="a/b"),
    "a long path": of_file(path="a" * 300),
    "the folder itself": of_file(path="."),
    "the record itself": of_file(path="record.json"),
    "a short hash": of_file(sha256="ab"),
    "negative bytes": of_file(bytes=-1),
    "bytes beyond reason": of_file(bytes=LARGEST_FILE + 1),
    "bytes as text": of_file(bytes="5"),
    "a host that is no name": replaced("hosts", ["panda1", "\x1b[2J"]),
    "a host without a name": replaced("hosts", [""]),
    "hosts as text": replaced("hosts", "panda1"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_sealed_record_that_is_not_right_is_absent(damaged: tuple[Path, Plan], name: str) -> None:
    storage, plan = damaged
    path = next(path for path in sorted(storage.glob("units/*/*/record.json")) if b'"history"' in path.read_bytes())
    record = json.loads(path.read_bytes())
    del record["seal"]
    path.write_bytes(seal(FORGERIES[name](record)))
    assert look_everywhere(storage, plan) == plan.units.keys() - {path.parent.name}
    assert Store(str(storage)).record(path.parent.name) is None


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999", b"9" * 5000])
def test_a_number_that_is_none_makes_a_sealed_record_absent(damaged: tuple[Path, Plan], number: bytes) -> None:
    storage, plan = damaged
    path = next(path for path in sorted(storage.glob("units/*/*/record.json")) if b'"history"' in path.read_bytes())
    record = json.loads(path.read_bytes())
    del record["seal"]
    content = seal(record | {"score": "HERE"})[: -len('", "seal": "}') - 62]
    content = content.replace(b'"HERE"', number)
    sealed = content + b', "seal": "' + hashlib.sha256(content).hexdigest().encode() + b'"}'
    path.write_bytes(sealed)
    assert look_everywhere(storage, plan) == plan.units.keys() - {path.parent.name}


def test_a_record_never_reads_outside_of_its_folder(damaged: tuple[Path, Plan], tmp_path: Path) -> None:
    storage, _ = damaged
    path = next(iter(sorted(storage.glob("units/*/*/record.json"))))
    (tmp_path / "secret").write_bytes(b"secret")
    secret = {"path": "../../../../secret", "sha256": hashlib.sha256(b"secret").hexdigest(), "bytes": 6}
    record = json.loads(path.read_bytes())
    del record["seal"]
    path.write_bytes(seal(record | {"files": {"prompt.safetensors": secret}}))
    store = Store(str(storage))
    assert path.parent.name not in store.done_keys()
    with pytest.raises(LookupError):
        store.read_file(path.parent.name, "prompt.safetensors")


@pytest.mark.parametrize("key", ["../../x", "/etc", "", "ab", "A" * 64, "a" * 63 + "/"])
def test_a_key_that_is_none_has_nothing(tmp_path: Path, key: str) -> None:
    store = Store(str(tmp_path))
    assert store.record(key) is None
    assert store.failures.read(key) is None
    with pytest.raises(LookupError):
        store.read_file(key, "x")


@pytest.mark.parametrize("level", ["units", "units/??", "units/??/*"])
def test_folders_that_are_links_are_neither_read_nor_written_through(
    damaged: tuple[Path, Plan], tmp_path: Path, level: str
) -> None:
    storage, plan = damaged
    here = sorted(storage.glob(level))[0]
    keys = {path.parent.name for path in here.glob("**/record.json")}
    there = tmp_path / "there"
    here.rename(there)
    here.symlink_to(there)
    before = sorted(there.rglob("*"))
    assert look_everywhere(storage, plan) == plan.units.keys() - keys
    store = Store(str(storage))
    records.publish(plan, store, keys)
    assert look_everywhere(storage, plan) == plan.units.keys()
    assert sorted(there.rglob("*")) == before
    assert [path.is_symlink() for path in (storage / "aside").iterdir()] == [True], "the link is kept"


def test_a_file_that_is_longer_than_its_record_says_is_not_read(
    damaged: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, _ = damaged
    path = place(storage, "prompt.*")
    path.write_bytes(path.read_bytes() + bytes(1000))
    asked: list[int] = []
    read = os.read
    monkeypatch.setattr(folders.os, "read", lambda handle, size: asked.append(size) or read(handle, size))
    with pytest.raises(LookupError, match="damaged"):
        Store(str(storage)).read_file(path.parent.name, "prompt.safetensors")
    assert len(asked) == 1, "only the record was read"


def test_what_stands_in_the_way_of_a_result_is_moved_aside_and_kept(damaged: tuple[Path, Plan]) -> None:
    storage, plan = damaged
    path = place(storage, "record.json")
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("precious")
    records.publish(plan, Store(str(storage)), {path.parent.name})
    assert look_everywhere(storage, plan) == plan.units.keys()
    assert [kept.read_text() for kept in storage.glob("aside/*/mine")] == ["precious"]


def test_strange_names_in_a_store_are_passed_over(damaged: tuple[Path, Plan]) -> None:
    storage, plan = damaged
    for name in ("units/record.json", "units/ab/record.json", "units/ab/short/record.json", "checkpoints/x"):
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        (storage / name).write_bytes(b"{}")
    (storage / "units" / os.fsdecode(b"\xff\xfe")).mkdir()
    deep = storage / "units" / "/".join("d" * 400)
    deep.mkdir(parents=True)
    assert look_everywhere(storage, plan) == plan.units.keys()


def test_a_storage_that_is_a_link_is_followed(damaged: tuple[Path, Plan], tmp_path: Path) -> None:
    storage, plan = damaged
    (tmp_path / "link").symlink_to(storage)
    assert look_everywhere(tmp_path / "link", plan) == plan.units.keys()
    Store(str(tmp_path / "link")).check_writable()


@pytest.mark.parametrize(
    "members", [5, "ab", [], [5], ["../x"], ["a" * 64, "a" * 64], [["a" * 64]], None, {"a" * 64: 1}], ids=str
)
def test_a_checkpoint_whose_members_are_none_is_absent(damaged: tuple[Path, Plan], members: object) -> None:
    storage, plan = damaged
    path = place(storage, "checkpoints")
    header, _, state = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(header) | {"members": members}).encode() + b"\n" + state)
    assert Store(str(storage)).checkpoints.members() == {}
    assert look_everywhere(storage, plan) == plan.units.keys()


def test_a_failure_on_a_host_that_is_no_name_is_absent(damaged: tuple[Path, Plan]) -> None:
    failure = place(damaged[0], "failures")
    failures, said = Store(str(damaged[0])).failures, json.loads(failure.read_bytes())
    for host, is_there in {"panda-1.lan": True, "": True, "\x1b[2J": False, "a" * 300: False}.items():
        failure.write_text(json.dumps(said | {"host": host}))
        assert (failures.read(failure.stem) is not None) == is_there, host


@pytest.mark.parametrize("value", [None, 5, [], {}, True, 10**30, 0.5], ids=str)
def test_limits_and_failures_of_other_types_are_absent(damaged: tuple[Path, Plan], value: object) -> None:
    storage, plan = damaged
    failure, limit = place(storage, "failures"), place(storage, "limits")
    failed, tried = json.loads(failure.read_bytes()), json.loads(limit.read_bytes())
    store = Store(str(storage))
    for name in failed:
        failure.write_text(json.dumps(failed | {name: value}))
        assert store.failures.among(set(plan.units)) == {}
        assert store.failures.read(failure.stem) is None
    for part, inside in tried.items():
        for name, right in inside.items():
            if type(value) is not type(right):
                limit.write_text(json.dumps(tried | {part: inside | {name: value}}))
                assert store.limits.all() == {}
        limit.write_text(json.dumps(tried | {part: value}))
        assert store.limits.all() == {}


def prompt_with(**changed: torch.Tensor) -> bytes:
    tensors = Prompt(torch.zeros(2, 2, 2, 4, 8), torch.zeros(2, 16), torch.zeros(2)).tensors() | changed
    return safetensors.torch.save(tensors)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 100,
        (1 << 40).to_bytes(8, "little") + b"{}",
        prompt_with(prefix=torch.zeros(2)),
        prompt_with(prefix=torch.zeros(2, 3, 2, 4, 8)),
        prompt_with(prefix=torch.zeros(2, 2, 2, 4, 8, dtype=torch.int64)),
        prompt_with(prefix=torch.full((2, 2, 2, 4, 8), float("nan"))),
        prompt_with(**{"head.bias": torch.zeros(3)}),
        prompt_with(position_offset=torch.zeros(3)),
    ],
)
def test_what_is_no_prompt_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match="no prompt file"):
        Prompt.from_bytes(data)


def test_a_prompt_of_another_backbone_is_refused_with_both_sizes() -> None:
    prompt = Prompt.from_bytes(prompt_with())
    fitting = Geometry(layers=2, query_heads=6, kv_heads=2, head_size=8, hidden=48, max_positions=64)
    prompt.check_fits(fitting)
    for change, said in (
        ({"layers": 3}, "3, 2 and 8"),
        ({"kv_heads": 6}, "2, 6 and 8"),
        ({"head_size": 16}, "2, 2 and 16"),
    ):
        with pytest.raises(InputError, match=rf"2 layers, 2 key/value heads and head size 8; the backbone has {said}"):
            prompt.check_fits(replace(fitting, **change))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        npy(np.zeros(3)),
        npy(np.array([None])),
        npy(np.full(3, np.nan, np.float32)),
        npy(np.zeros(3))[:-1],
    ],
)
def test_what_is_no_embedding_is_refused(data: bytes) -> None:
    with pytest.raises(LookupError, match="no embedding"):
        embedding_of(data)
