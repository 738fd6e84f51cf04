"""CoNLL column files, written by hand, to the documented Parquet format and through the loader."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.conversion.bio import bio_of_brackets, bio_of_iob
from panda_ray.tasks.conversion.conll import convert_conll
from panda_ray.tasks.rows.loading import load_rows

CONLL03 = """-DOCSTART- -X- -X- O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
British JJ I-NP B-MISC
call NN I-NP I-LOC

# NN I-NP O
5 CD I-NP I-PER
"""

# Words, then part of speech, then the target verbs, then one column of roles per verb.
CONLL05 = """Prices  NNS  -      (A1*)  (A1*
that    WDT  -      (R-A1*)  *
rose    VBD  rise   (V*)  *)
have    VBP  -      *     *
fallen  VBN  fall   *     (V*)
-       :    -      *     *

No      UH   -
way     NN   -

Ships   NNS  -      (A0*)
sail    VBP  sail   (V*
off     RP   -      *)
"""

CONLL12 = """#begin document (bc/x); part 000
bc/x 0 0 Mary NNP (TOP(S* - - - A (PERSON) (ARG0*) (0)
bc/x 0 1 saw VBD * see 01 1 A * (V*) -
bc/x 0 2 New NNP * - - - A (GPE* (ARG1* -
bc/x 0 3 York NNP *)) - - - A *) *) -

bc/x 0 0 Yes UH * - - - B * -
#end document
"""


def convert(tmp_path: Path, text: str, layout: str) -> list[dict[str, object]]:
    source = tmp_path / f"{layout}.txt"
    source.write_text(text, encoding="utf-8")
    output = tmp_path / layout / "train.parquet"
    done = convert_conll(source, output, layout)
    rows: list[dict[str, object]] = pq.read_table(output).to_pylist()
    assert (len(rows), done.files, dict(done.left_out)) == (done.rows, 1, {})
    return rows


def test_conll03(tmp_path: Path) -> None:
    assert convert(tmp_path, CONLL03, "conll03") == [
        {
            "tokens": ["EU", "rejects", "German", "British", "call"],
            "ner_tags": ["B-ORG", "O", "B-MISC", "B-MISC", "B-LOC"],
        },
        {"tokens": ["#", "5"], "ner_tags": ["O", "B-PER"]},
    ]


def test_conll05_has_one_row_per_predicate(tmp_path: Path) -> None:
    words = ["Prices", "that", "rose", "have", "fallen", "-"]
    assert convert(tmp_path, CONLL05, "conll05") == [
        {"tokens": words, "predicate": "rose", "srl_tags": ["B-A1", "B-R-A1", "B-V", "O", "O", "O"]},
        {"tokens": words, "predicate": "fallen", "srl_tags": ["B-A1", "I-A1", "I-A1", "O", "B-V", "O"]},
        {"tokens": ["Ships", "sail", "off"], "predicate": "sail", "srl_tags": ["B-A0", "B-V", "I-V"]},
    ]


def test_conll12_and_ontonotes_read_the_same_files(tmp_path: Path) -> None:
    words = ["Mary", "saw", "New", "York"]
    assert convert(tmp_path, CONLL12, "conll12") == [
        {"tokens": words, "predicate": "saw", "srl_tags": ["B-ARG0", "B-V", "B-ARG1", "I-ARG1"]}
    ]
    assert convert(tmp_path, CONLL12, "ontonotes") == [
        {"tokens": words, "ner_tags": ["B-PERSON", "O", "B-GPE", "I-GPE"]},
        {"tokens": ["Yes"], "ner_tags": ["O"]},
    ]


@pytest.mark.parametrize(("layout", "text"), [("conll03", CONLL03), ("conll05", CONLL05), ("conll12", CONLL12)])
def test_converted_files_are_what_the_loader_reads(layout: str, text: str, tmp_path: Path) -> None:
    for split in ("train", "validation"):
        (tmp_path / "raw").write_text(text, encoding="utf-8")
        convert_conll(tmp_path / "raw", tmp_path / layout / f"{split}.parquet", layout)
    rows = load_rows(get_task(layout), str(tmp_path))
    first = pq.read_table(tmp_path / layout / "train.parquet").to_pylist()[0]
    labels = get_task(layout).labels
    column = get_task(layout).label_column
    assert [labels[code] for code in rows.train[0][column]] == first[column]


def test_a_folder_is_read_in_order_of_path(tmp_path: Path) -> None:
    for name in ("b/2.gold_conll", "a/1.gold_conll"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(CONLL12.replace("Mary", name[0]))
    assert convert_conll(tmp_path, tmp_path / "out.parquet", "ontonotes").rows == 4
    assert [row["tokens"][0] for row in pq.read_table(tmp_path / "out.parquet").to_pylist()] == ["a", "Yes", "b", "Yes"]


def test_both_kinds_of_iob_give_the_same_tags() -> None:
    old = ["I-A", "I-A", "B-A", "I-B", "O", "I-B"]
    new = ["B-A", "I-A", "B-A", "B-B", "O", "B-B"]
    assert bio_of_iob(old, "here") == bio_of_iob(new, "here") == new


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["(A0*", "(A1*)", "*)"], r"here, word 2: '\(A1\*\)' opens a span inside the span of A0"),
        (["*", "*)"], r"here, word 2: '\*\)' closes a span that was never opened"),
        (["(A0*", "*"], "here: the span of A0 is never closed"),
        (["O"], "here, word 1: 'O' is no bracket"),
    ],
)
def test_brackets_that_do_not_fit(cells: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bio_of_brackets(cells, "here")


@pytest.mark.parametrize(
    ("layout", "text", "message"),
    [
        ("conll03", "EU NNP I-ORG\nsays\n", r"conll03\.txt, line 2: 1 columns, expected 3 as in the line before"),
        ("conll03", "a b O\n\nEU\n", r"conll03\.txt, line 3: 1 columns, expected at least 2"),
        ("conll03", "EU NNP S-ORG\n", r"line 1, word 1: 'S-ORG' is no tag; expected O, B-TYPE or I-TYPE"),
        ("conll03", "EU NNP I-ORGA\n", r"unknown tag 'B-ORGA'; did you mean 'B-ORG'"),
        ("conll03", "\n", "no sentence with a 'ner_tags' in it"),
        ("conll05", "a -\nb go\n", "found 0 columns that could name the target verbs"),
        ("conll05", "a go (A0*)\n", r"line 1, column 3: no word is marked as the verb"),
        ("conll3", "", "unknown layout 'conll3'; did you mean 'conll03'"),
    ],
)
def test_files_that_do_not_fit_their_layout(layout: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        convert(tmp_path, text, layout)


def test_an_input_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: no such file, and no folder with \*conll files"):
        convert_conll(tmp_path / "nothing", tmp_path / "out.parquet", "conll03")
