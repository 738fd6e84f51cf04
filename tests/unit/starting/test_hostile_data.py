"""Files as people have them, and as nobody should: each is read, or refused in one sentence that says what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep.named_tasks import task_of
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks.kinds.own.own_guess import Said
from panda_ray.tasks.rows.loading import TaskRows, load_rows
from panda_ray.usecases.starting.describe import describe
from panda_ray.usecases.starting.init import sweep_text


def lines() -> list[str]:
    """Of a file of 30 rows that is as it should be."""
    return ["text,label", *(f"the day number {n} is fine,{'ab'[n % 2]}" for n in range(30))]


def with_row(row: str) -> bytes:
    """The file with another row 7."""
    return "\n".join([*lines()[:8], row, *lines()[9:], ""]).encode()


def changed(old: str, new: str) -> bytes:
    return "\n".join(lines()).replace(old, new).encode()


WIDE = "\n".join(
    [
        ",".join([*(f"q{n}" for n in range(199)), "label"]),
        *(",".join([*(f"answer {n * row % 59} of it" for n in range(199)), "ab"[row % 2]]) for row in range(60)),
    ]
)
READ = {
    "a byte order mark": (b"\xef\xbb\xbf" + changed("x", "x"), 30),
    "lines of Windows": (changed("\n", "\r\n"), 30),
    "blank lines": (b"\n\n" + with_row("") + b"\n\n", 29),
    "an index without a name": (changed("text,", ",text,").replace(b"the day", b"5,the day"), 30),
    "formulas as texts": (changed("the day", "=cmd|' /C calc'!A"), 30),
    "formulas as labels": (changed(",a", ",=1+1"), 30),
    "a label that the text tells": (changed("the day", "b").replace(b"fine,a", b"fine,c"), 30),
    "200 columns": (WIDE.encode(), 60),
}
REFUSED = {
    "no label column": (
        "\n".join(["text,body", *(f"the day number {n} is fine,and so is {n}" for n in range(30))]).encode(),
        "no column looks like a label (columns: text, body); name it with --label",
    ),
    "one class": (changed(",b", ",a"), "column 'label' has 1 different labels in 30 rows; from 2 to 1,000"),
    "10,000 classes": (
        "\n".join(["text,label", *(f"fine {n},class {n % 10_000}" for n in range(15_000))]).encode(),
        "column 'label' has 10,000 different labels in 15,000 rows; from 2 to 1,000 can be learnt",
    ),
    "an empty row": (with_row(","), "row 7, column 'label': the value is null; remove the row or fill it in"),
    "too few cells": (with_row("fine"), "row 7, column 'label': the value is null; remove the row or fill it in"),
    "too many cells": (with_row("fine,a,b"), "Expected 2 fields in line 9, saw 3"),
    "a quotation mark that stays open": (with_row('"fine,a'), "EOF inside string starting at row 8"),
    "Latin-1": (with_row("caf\xe9,a").replace(b"\xc3\xa9", b"\xe9"), "line 9: byte 3 is 0xe9, which is not UTF-8 text"),
    "UTF-16": ("\n".join(lines()).encode("utf-16"), "line 1: byte 0 is 0xff, which is not UTF-8 text; save it as"),
    "UTF-16 without a mark": (
        "\n".join(lines()).encode("utf-16-le"),
        "line 1: byte 1 is 0x00, which is not UTF-8 text",
    ),
    "a NUL in a text": (with_row("fi\0ne,a"), "line 9: byte 2 is 0x00, which is not UTF-8 text; save it as UTF-8"),
    "a NUL in a name": (changed("text", "te\0xt"), "line 1: byte 2 is 0x00, which is not UTF-8 text; save it as UTF-8"),
    "two columns of a name": (
        changed("text,label", "label,label"),
        "there are 2 columns 'label'; rename or remove one",
    ),
    "semicolons": (changed(",", ";"), "cells are separated by ';', not by ',' as its name says; save it so"),
    "names alone": (b"text,label\n", "there are no rows"),
    "nothing": (b"", "there are no columns; the first line must name them"),
    "blank lines alone": (b"\n\n\n", "there are no columns; the first line must name them"),
}


def rows_of(place: Path) -> TaskRows:
    """What a sweep trains on that `init` writes for a file."""
    file = place.parent / "written.yaml"
    file.write_text(sweep_text(describe(str(place), Said())))
    sweep = load_sweep(str(file))
    return load_rows(task_of(sweep.targets[0], sweep.tasks))


@pytest.mark.parametrize("what", READ)
def test_a_file_that_can_be_read_is(tmp_path: Path, what: str) -> None:
    content, count = READ[what]
    place = tmp_path / "my.csv"
    place.write_bytes(content)
    rows = rows_of(place)
    assert len(rows.train) + len(rows.dev) == count
    assert {row["label"] for row in (*rows.train, *rows.dev)} == {0, 1}
    assert place.read_bytes() == content, "what is the user's is left alone"


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    content, sentence = REFUSED[what]
    place = tmp_path / "my.csv"
    place.write_bytes(content)
    refused_for(place, sentence)


def refused_for(place: Path, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        rows_of(place)
    said = str(refused.value)
    assert sentence in said
    assert said.count(str(place)) == 1
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("my.csv", os.mkfifo, "is neither a file nor a folder of files"),
        ("my.csv", os.mkdir, "holds no file; it must hold files of one form"),
        ("my.xlsx", lambda place: place.write_bytes(b"PK"), "the forms that are read; save a spreadsheet as CSV"),
        ("my.csv", lambda _: None, "no file"),
        ("my.parquet", lambda place: place.write_bytes(b"PAR1 and so on"), "Parquet magic bytes not found in footer"),
        ("my.jsonl", lambda place: place.write_text('[{"text": "a b"}]'), "every line must be a JSON object"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], object], sentence: str
) -> None:
    place = tmp_path / name
    make(place)
    refused_for(place, sentence)


@pytest.mark.parametrize("column", ["text", "label"])
def test_values_of_several_types_are_refused_in_one_sentence(tmp_path: Path, column: str) -> None:
    rows = [{"text": f"the day number {n}", "label": "ab"[n % 2]} | ({column: 5} if n == 7 else {}) for n in range(30)]
    place = tmp_path / "my.jsonl"
    place.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    refused_for(place, f"Column(/{column}) changed from string to number in row 7")


def test_rows_that_no_sweep_takes_are_counted_when_a_file_is_described(tmp_path: Path) -> None:
    """Row by row: what is counted is refused, and nothing else is."""
    file = tmp_path / "my.csv"
    whole = [f"title {n},the body of number {n},{'ab'[n % 2]}" for n in range(30)]
    for row, taken in (("a title,,a", True), (",a body,a", True), (" ,,a", False), ("a title,a body,", False)):
        file.write_text("\n".join(["title,body,label", *whole, row]) + "\n")
        found = describe(str(file), Said())
        assert found.guess.text == ("title", "body")
        assert found.incomplete == (0 if taken else 1)
        said = "1 of the 31 rows that were looked at lack a label or a text"
        assert any(said in line for line in found.lines) == (not taken)
        if taken:
            rows = rows_of(file)
            assert len(rows.train) + len(rows.dev) == 31
        else:
            with pytest.raises(InputError, match="remove the row or fill it in"):
                rows_of(file)
