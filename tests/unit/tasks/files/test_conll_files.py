"""Releases of column files as they are distributed: their trees, encodings, line ends and separators."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.tasks.conversion.conll import Conversion, convert_conll
from support.processes.command_line import CommandLine


def document(word: str, entity: str = "(PERSON)") -> str:
    """One document of CoNLL-2012 with one sentence: blank-separated, columns aligned."""
    return (
        "#begin document (bc/cctv/00/cctv_0000); part 000\n"
        f"bc/cctv/00/cctv_0000   0    0    {word}   NNP   (TOP(S*   -   -   -   Speaker#1   {entity}   (ARG0*)   (0)\n"
        "bc/cctv/00/cctv_0000   0    1     ran   VBD       *))   run 01   1   Speaker#1     *       (V*)    -\n"
        "\n#end document\n"
    )


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def convert(source: Path, layout: str, language: str = "english") -> tuple[Conversion, list[dict[str, Any]]]:
    output = source.parent / "out.parquet"
    return convert_conll(source, output, layout, language), pq.read_table(output).to_pylist()


def first_words(rows: list[dict[str, Any]]) -> list[str]:
    return [row["tokens"][0] for row in rows]


RELEASE: dict[str, str | bytes] = {
    "data/english/annotations/bc/cctv/00/cctv_0000.v4_gold_conll": document("Gold"),
    "data/english/annotations/bc/cctv/00/cctv_0000.v4_auto_conll": document("Auto", "*"),
    "data/english/annotations/bc/cctv/00/cctv_0000.v4_gold_skel": document("[WORD]"),
    "data/english/annotations/nw/wsj/00/wsj_0001.v4_gold_conll": document("Wall"),
    "data/english/annotations/nw/wsj/00/wsj_0001.v4_auto_conll": "",
    "data/chinese/annotations/bc/cctv/00/cctv_0000.v4_gold_conll": document("中国"),
    "data/arabic/annotations/nw/ann/00/ann_0001.v4_gold_conll": document("العربية"),
    "data/arabic/annotations/nw/ann/00/ann_0002.v4_auto_conll": document("Auto"),
}


@pytest.mark.parametrize("layout", ["conll12", "ontonotes"])
def test_a_release_tree_gives_gold_files_of_one_language_and_counts_the_rest(layout: str, tmp_path: Path) -> None:
    root = write(tmp_path / "conll-2012" / "v4" / "data" / "train", RELEASE)
    done, rows = convert(root, layout)
    assert first_words(rows) == ["Gold", "Wall"]
    assert (done.rows, done.files) == (2, 2)
    assert done.left_out == {
        "files in arabic": 1,
        "files in chinese": 1,
        "files with automatic annotation (*auto_conll)": 3,
    }
    assert first_words(convert(root, layout, "chinese")[1]) == ["中国"]
    assert first_words(convert(root, layout, "arabic")[1]) == ["العربية"]
    assert first_words(convert(root / "data" / "english" / "annotations" / "nw", layout)[1]) == ["Wall"]


def test_what_was_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "train", RELEASE)
    ended = CommandLine(tmp_path, monkeypatch)(
        "data", "convert", str(root), str(tmp_path / "x.parquet"), "--layout", "ontonotes"
    )
    assert ended.code == 0
    assert "2 rows from 2 files in" in ended.out
    assert ended.out.strip().endswith(
        "left out: 1 files in arabic, 3 files with automatic annotation (*auto_conll), 1 files in chinese"
    )


@pytest.mark.parametrize(
    ("files", "language", "said"),
    [
        (RELEASE, "russian", "unknown language 'russian'"),
        ({"a/chinese/x.v4_gold_conll": ""}, "english", r"language 'english', but 1 files in chinese"),
        ({"a/x.v4_auto_conll": ""}, "english", r"but 1 files with automatic annotation"),
        ({"x.v4_gold_parse_conll": ""}, "english", r"but 1 files of another kind \(\*v4_gold_parse_conll\)"),
        ({"x.v4_gold_skel": ""}, "english", r"no \*\.conll or \*gold_conll file for the language 'english'$"),
        (
            {"train/x.gold_conll": document("a"), "test/y.gold_conll": document("b")},
            "english",
            "holds test and train; convert one split at a time",
        ),
        (
            {"train.english.v4_gold_conll": document("a"), "dev.english.v4_gold_conll": document("b")},
            "english",
            "holds dev and train; convert one split at a time",
        ),
        (
            {"x.v4_gold_conll": document("a"), "x.v9_gold_conll": document("a")},
            "english",
            r"x\.v4_gold_conll and x\.v9_gold_conll are one document; keep one of them",
        ),
        ({"x.gold_conll": ""}, "english", r"x\.gold_conll: is empty"),
    ],
)
def test_trees_that_cannot_be_one_split(
    files: dict[str, str | bytes], language: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        convert(write(tmp_path / "tree", files), "conll12", language)
    assert not (tmp_path / "out.parquet").exists()


def test_automatic_annotation_is_refused_by_its_name_too(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"x.v4_auto_conll": document("Auto")})
    with pytest.raises(InputError, match=r"x\.v4_auto_conll: automatic annotation; give the \*gold_conll file"):
        convert(root / "x.v4_auto_conll", "conll12")


def test_links_in_a_circle_end_and_pipes_are_not_waited_for(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"a/x.gold_conll": document("Mary")})
    (root / "a" / "loop").symlink_to(root, target_is_directory=True)
    done, rows = convert(root, "conll12")
    assert (first_words(rows), done.left_out) == (["Mary"], {"links to folders": 1})
    os.mkfifo(root / "pipe.gold_conll")
    with pytest.raises(InputError, match=r"pipe\.gold_conll: not a regular file"):
        convert(root, "conll12")
    (root / "pipe.gold_conll").unlink()
    (root / "gone.gold_conll").symlink_to(root / "nowhere")
    with pytest.raises(InputError, match=r"gone\.gold_conll: no such file"):
        convert(root, "conll12")


CONLL03 = "-DOCSTART- -X- -X- O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\nPeter NNP I-NP I-PER\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_a_missing_last_one_and_a_byte_order_mark(end: str, last: bool, mark: str, tmp_path: Path) -> None:
    text = mark + (CONLL03 if last else CONLL03.rstrip("\n"))
    write(tmp_path, {"eng.train": text.replace("\n", end)})
    assert convert(tmp_path / "eng.train", "conll03")[1] == [
        {"tokens": ["EU", "rejects"], "ner_tags": ["B-ORG", "O"]},
        {"tokens": ["Peter"], "ner_tags": ["B-PER"]},
    ]


def test_files_that_were_joined_keep_no_byte_order_mark_inside(tmp_path: Path) -> None:
    write(tmp_path, {"eng.train": "EU I-ORG\n\n\ufeffPeter I-PER\n\n\ufeff-DOCSTART- O\n"})
    assert first_words(convert(tmp_path / "eng.train", "conll03")[1]) == ["EU", "Peter"]


STRANGE = ["a\u2028b", "a\x0bb", "a\x0cb", "a\x85b", "a\x1cb", "\u2029", "1\u00a0000", "\u3000", "a\u2003b"]


@pytest.mark.parametrize("separator", [" ", "\t", "   "])
def test_only_line_feeds_and_carriage_returns_end_lines_and_only_blanks_and_tabs_columns(
    separator: str, tmp_path: Path
) -> None:
    lines = [f"{word}{separator}NNP{separator}O" for word in STRANGE]
    write(tmp_path, {"eng.train": "\n".join(lines)})
    assert convert(tmp_path / "eng.train", "conll03")[1] == [{"tokens": STRANGE, "ner_tags": ["O"] * len(STRANGE)}]


def test_a_file_with_tabs_is_split_at_tabs_alone(tmp_path: Path) -> None:
    write(tmp_path, {"eng.train": "New York\tI-LOC\n , \tO\t\n\n1 000\tO\n"})
    assert convert(tmp_path / "eng.train", "conll03")[1] == [
        {"tokens": ["New York", ","], "ner_tags": ["B-LOC", "O"]},
        {"tokens": ["1 000"], "ner_tags": ["O"]},
    ]


def test_words_and_props_pasted_together_have_both_separators(tmp_path: Path) -> None:
    write(tmp_path, {"train-set.txt": "Ships\t-     (A0*)\nsail \tsail  (V*)\n\t\n"})
    assert convert(tmp_path / "train-set.txt", "conll05")[1] == [
        {"tokens": ["Ships", "sail"], "predicate": "sail", "srl_tags": ["B-A0", "B-V"]}
    ]


def test_a_number_sign_is_a_word_but_where_lines_begin_with_the_document(tmp_path: Path) -> None:
    write(tmp_path, {"eng.train": "# # I-ORG\n", "x.gold_conll": "# a comment\n" + document("Mary")})
    assert first_words(convert(tmp_path / "eng.train", "conll03")[1]) == ["#"]
    assert first_words(convert(tmp_path / "x.gold_conll", "conll12")[1]) == ["Mary"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"EU I-ORG\r\nMe\xdfer I-PER\r\n",
            r"deu\.train:2: not UTF-8 text \(byte 12 is 0xdf\); if it is Latin-1,",
        ),
        (b"EU I-ORG\rMe\xdfer I-PER\r", r"deu\.train:2: not UTF-8 text \(byte 11 is 0xdf\); if it is Latin-1,"),
        ("EU I-ORG\n".encode("utf-16"), r"deu\.train: UTF-16 text, not UTF-8; convert it with: iconv -f UTF-16"),
        ("EU I-ORG\n".encode("utf-32"), r"deu\.train: UTF-32 text, not UTF-8; convert it with: iconv -f UTF-32"),
        ("EU I-ORG\n".encode("utf-16-le"), r"deu\.train:1: not UTF-8 text \(byte 1 is NUL\)"),
        (b"\xef\xbb\xbfEU I-ORG\n\xe9 O\n", r"deu\.train:2: not UTF-8 text \(byte 12 is 0xe9\)"),
        (b"", r"deu\.train: is empty"),
        (b"EU\tNNP\tI-ORG\nNew York NNP O\n", r"deu\.train, line 2: 1 columns between tabs, expected 3 as in"),
        (b"EU\tNNP\tI-ORG\nin\t\tO\n", r"deu\.train, line 2: column 2 is empty"),
        (b"EU NNP I-ORG\n\nin O\nNew York O\n", r"deu\.train, line 4: 3 columns, expected 2 as in the line before"),
    ],
)
def test_other_encodings_and_ragged_columns_are_named_with_their_place(
    content: bytes, said: str, tmp_path: Path
) -> None:
    write(tmp_path, {"deu.train": content})
    with pytest.raises(InputError, match=said):
        convert(tmp_path / "deu.train", "conll03")


def test_an_output_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, {"eng.train": CONLL03, "taken": "kept", "out/x": "kept"})
    with pytest.raises(InputError, match=r"taken/train\.parquet cannot be written"):
        convert_conll(tmp_path / "eng.train", tmp_path / "taken" / "train.parquet", "conll03")
    with pytest.raises(InputError, match=r"out cannot be written"):
        convert_conll(tmp_path / "eng.train", tmp_path / "out", "conll03")
    assert (tmp_path / "taken").read_text() == (tmp_path / "out" / "x").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eng.train", "out", "taken"]
