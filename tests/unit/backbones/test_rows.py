"""How the examples of a step are cut: nothing lost, little padding, no pass larger than it may be."""

from __future__ import annotations

import pytest
import torch

from panda_ray.backbones.forward import row_reader
from panda_ray.backbones.forward.row_reader import RowReader
from support.trained.toys import toy_task


def reader(kind: str = "classification") -> RowReader:
    return RowReader(toy_task(kind, train=30).train)


def a_step(members: int = 3, examples: int = 12) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.stack([torch.randperm(30, generator=random)[:examples] for _ in range(members)])


@pytest.mark.parametrize("kind", ["classification", "multiple_choice"])
@pytest.mark.parametrize("cost", [0, 30, 10**6])
def test_chunks_hold_every_example_of_every_member_once(kind: str, cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(row_reader._BLOCK_COST, "cpu", cost)
    monkeypatch.setitem(row_reader.CHUNK_TOKENS, "cpu", 150)
    index_SB = a_step()
    seen_SB = torch.cat([block_SB for chunk in reader(kind).chunks(index_SB) for block_SB in chunk], dim=1)
    assert torch.equal(seen_SB.sort(dim=1).values, index_SB.sort(dim=1).values)


def test_a_chunk_keeps_to_its_tokens_unless_one_example_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(row_reader._BLOCK_COST, "cpu", 10**6)
    monkeypatch.setitem(row_reader.CHUNK_TOKENS, "cpu", 100)
    own = reader()
    for chunk in own.chunks(a_step()):
        tokens = sum(own.tokens(block_SB).input_ids_RT.numel() for block_SB in chunk)
        assert tokens <= 100 or [block_SB.shape[1] for block_SB in chunk] == [1]


def test_blocks_pad_no_more_than_a_block_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(row_reader._BLOCK_COST, "cpu", 0)
    own, index_1B = reader(), a_step(members=1)
    for chunk in own.chunks(index_1B):
        for block_1B in chunk:
            tokens = own.tokens(block_1B)
            assert not tokens.padded
            assert (tokens.lengths_R == tokens.input_ids_RT.shape[1]).all()


def test_an_empty_part_of_a_step_has_no_chunks() -> None:
    assert list(reader().chunks(torch.zeros(2, 0, dtype=torch.long))) == []


def test_wider_models_read_fewer_rows_in_a_pass_and_one_at_least() -> None:
    own = reader("multiple_choice")
    rows = own.split.rows_per_example
    of_usual_width = own.examples_per_pass(1, 1024)
    assert own.examples_per_pass(1, 128) == of_usual_width == 512 // rows
    assert own.examples_per_pass(1, 4096) == 128 // rows
    assert own.examples_per_pass(4, 4096) == 32 // rows
    assert own.examples_per_pass(10**6, 4096) == 1
