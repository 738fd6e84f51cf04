"""Encoded tasks from disk are what the tokenizer made, bit for bit, for every kind of task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from panda_ray.tasks import get_task
from panda_ray.tasks.caching import encoded
from panda_ray.tasks.caching.disk import cache_home
from panda_ray.tasks.caching.packed import pack, unpack
from panda_ray.tasks.encoded import EncodedSplit, EncodedTask
from panda_ray.tasks.rows.loading import TaskRows, load_rows
from support.trained.task_data import TOKENIZERS, rows_of, write_task
from support.trained.toys import KINDS, toy_task


def assert_same(found: EncodedTask, expected: EncodedTask) -> None:
    assert found.spec == expected.spec
    for one, other in ((found.train, expected.train), (found.dev, expected.dev)):
        for name in ("input_ids_RT", "token_type_ids_RT", "lengths_R", "labels"):
            tensor, wanted = getattr(one, name), getattr(other, name)
            assert tensor.dtype == wanted.dtype
            assert torch.equal(tensor, wanted)
        for name in ("rows_per_example", "references", "item_of_example"):
            assert getattr(one, name) == getattr(other, name)
        assert readers_of(one) == readers_of(other)


def readers_of(split: EncodedSplit) -> list[Any]:
    def plain(value: Any) -> Any:
        return (str(value.dtype), value.tolist()) if isinstance(value, np.ndarray) else value

    def described(reader: Any) -> Any:
        return {name: plain(value) for name, value in vars(reader).items()} if hasattr(reader, "__dict__") else reader

    return [described(reader) for reader in split.decoding]


@pytest.mark.parametrize("kind", KINDS)
def test_packing_loses_nothing(kind: str) -> None:
    task = toy_task(kind)
    assert_same(unpack(task.spec, memoryview(pack(task))), task)


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("name", ["stsb", "copa", "record", "squad", "conll05"])
def test_an_encoded_task_comes_back_without_rows_or_tokenizer(
    name: str, tokenizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = get_task(name)
    rows = load_rows(spec, str(write_task(tmp_path, spec, rows_of(spec, 12), rows_of(spec, 5))))

    def task(load: Any, tokenizer: Any, tokenizer_id: str = "local:1", max_len: int = 24) -> EncodedTask:
        return encoded.encoded_task(spec, rows.fingerprint, load, tokenizer, tokenizer_id, max_len)

    def no_rows() -> TaskRows:
        raise AssertionError("rows were read")

    made = task(lambda: rows, TOKENIZERS[tokenizer]())
    assert_same(task(no_rows, None), made)
    assert_same(made, EncodedTask.of_rows(spec, rows, TOKENIZERS[tokenizer](), 24))
    for other in ({"tokenizer_id": "local:2"}, {"max_len": 25}):
        with pytest.raises(AssertionError, match="rows were read"):
            task(no_rows, None, **other)
    (entry,) = (cache_home() / "encoded").iterdir()
    entry.write_bytes(entry.read_bytes()[:-3])
    assert_same(task(lambda: rows, TOKENIZERS[tokenizer]()), made)
