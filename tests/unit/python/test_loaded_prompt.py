"""A prompt that was exported and loaded in Python answers alike for files, frames, mappings and texts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import panda_ray as pr
from panda_ray.errors import InputError
from support.sweeps.small_sweeps import run_inline, small_sweep

TEXTS = ["the pretrim found the prezuhax .", "how pikla !", "a pretrim ."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the prompts of a task with one column of text and of one with two were exported."""
    folder = tmp_path_factory.mktemp("exported")
    changes = {"targets": ["remark", "duplicate"], "methods": ["prompt_tuning"], "metrics": []}
    section = small_sweep(folder / "runs", **changes)
    run_inline(section)
    for target in ("remark", "duplicate"):
        prompt = pr.Sweep(section).export(target, folder / target)
        assert prompt.said.task == target
    return folder


def test_texts_mappings_frames_and_files_get_the_same_answers(folder: Path, tmp_path: Path) -> None:
    prompt = pr.Prompt.load(folder / "remark")
    (column,) = prompt.said.columns
    frame = pd.DataFrame({"id": [1, 2, 3], column: TEXTS})
    frame.to_csv(tmp_path / "new.csv", index=False)
    of_texts = prompt.predict(TEXTS)
    assert len(of_texts) == 3
    for row in of_texts.itertuples():
        assert set(row.probability) == {"bad", "good"}
        assert row.prediction == max(row.probability, key=row.probability.get)
    for others in ([{column: text} for text in TEXTS], frame, str(tmp_path / "new.csv"), tmp_path / "new.csv"):
        pd.testing.assert_frame_equal(prompt.predict(others), of_texts)


def test_what_is_known_of_it_is_said(folder: Path) -> None:
    assert repr(pr.Prompt.load(folder / "remark")).startswith(
        "<Prompt of remark on builtin-tiny, prompt_tuning: accuracy "
    )


def test_rows_that_cannot_be_read_are_named(folder: Path) -> None:
    prompt, pairs = pr.Prompt.load(folder / "remark"), pr.Prompt.load(folder / "duplicate")
    (column,), (first, second) = prompt.said.columns, pairs.said.columns
    with pytest.raises(InputError, match=f"a row of task 'duplicate' has the columns {first}, {second}; give mappings"):
        pairs.predict(TEXTS)
    with pytest.raises(InputError, match=f"row 1: unknown column '{second}'"):
        pairs.predict([{first: "a", second: "b"}, {first: "a"}])
    with pytest.raises(InputError, match=f"the given rows, row 1, column '{column}': the value is null"):
        prompt.predict([{column: "fine"}, {column: None}])
    assert prompt.predict([]).empty
