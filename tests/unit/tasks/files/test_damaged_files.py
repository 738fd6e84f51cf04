"""Files are not trusted: values of any type, bytes that are no text, and damaged files end in one sentence."""

from __future__ import annotations

import datetime
import decimal
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from panda_ray.errors import InputError
from panda_ray.tasks import get_task
from panda_ray.tasks.rows.loading import load_rows
from support.trained.task_data import rows_of, write_task

RTE, SQUAD = get_task("rte"), get_task("squad")
ROWS = 6
TEXTS = [f"p{index}" for index in range(ROWS)]
CODES = [index % 2 for index in range(ROWS)]


def write(root: Path, table: pa.Table, **options: Any) -> Path:
    """A sound RTE whose training split is `table`; returns that file."""
    path = write_task(root, RTE, rows_of(RTE, ROWS), rows_of(RTE, ROWS)) / "rte" / "train.parquet"
    pq.write_table(table, path, **options)
    return path


def rte(premise: Any = TEXTS, label: Any = CODES) -> pa.Table:
    return pa.table({"premise": premise, "hypothesis": ["h"] * ROWS, "label": label})


def said(root: Path, table: pa.Table) -> str:
    path = write(root, table)
    with pytest.raises(InputError) as error:
        load_rows(RTE, str(root))
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(str(path))


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(2), pa.large_string(), pa.string_view()])
def test_texts_stored_as_bytes_are_the_same_rows(tmp_path: Path, kind: pa.DataType) -> None:
    write(tmp_path, rte())
    plain = load_rows(RTE, str(tmp_path))
    names = [RTE.labels[code].encode() for code in CODES]
    write(tmp_path, rte(pa.array(TEXTS).cast(pa.binary()).cast(kind) if kind != pa.binary(2) else bytes_2(), names))
    assert load_rows(RTE, str(tmp_path)) == plain


def bytes_2() -> pa.Array:
    return pa.array([text.encode() for text in TEXTS], pa.binary(2))


def test_words_and_answers_stored_as_bytes_are_the_same_rows(tmp_path: Path) -> None:
    for spec in (get_task("conll03"), SQUAD):
        rows = rows_of(spec, ROWS)
        plain = load_rows(spec, str(write_task(tmp_path / "plain", spec, rows, rows)))
        coded = write_task(tmp_path / "coded", spec, [in_bytes(row) for row in rows], rows)
        assert load_rows(spec, str(coded)).fingerprint == plain.fingerprint


def in_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: in_bytes(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [in_bytes(inner) for inner in value]
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize("stored", [pa.binary(), pa.string()])
def test_text_that_is_not_utf8_is_named_with_row_column_and_byte(tmp_path: Path, stored: pa.DataType) -> None:
    latin = pa.array([b"a", b"b", "caf\u00e9 x".encode("latin-1"), b"c", b"d", b"e"]).view(stored)
    assert said(tmp_path, rte(latin)) == (
        ", row 2, column 'premise': byte 3 is 0xe9, which is not UTF-8 (invalid continuation byte); "
        "write the text as UTF-8"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "True is of type bool"),
        (7, "7 is of type int"),
        (float("nan"), "nan is of type float"),
        (datetime.date(2020, 1, 2), "datetime.date(2020, 1, 2) is of type date"),
        (datetime.datetime(2020, 1, 2), "datetime.datetime(2020, 1, 2, 0, 0) is of type datetime"),
        (decimal.Decimal("1.5"), "Decimal('1.5') is of type Decimal"),
        (["a"], "['a'] is of type list"),
        ({"a": "b"}, "{'a': 'b'} is of type dict"),
    ],
)
def test_a_value_that_is_no_text_is_named_with_row_column_and_type(tmp_path: Path, value: Any, shown: str) -> None:
    assert said(tmp_path, rte([value] * ROWS)) == f", row 0, column 'premise': {shown}; text is wanted"


def test_a_type_that_the_reader_does_not_know_is_named(tmp_path: Path) -> None:
    mapping = pa.array([[("a", 1)]] * ROWS, pa.map_(pa.string(), pa.int64()))
    assert ": column 'premise' is of type map<string, int64" in said(tmp_path, rte(mapping))
    write(tmp_path, rte().append_column("unused", mapping))
    assert len(load_rows(RTE, str(tmp_path)).train) == ROWS


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (pa.timestamp("us"), 3),
        (pa.duration("s"), 3),
        (pa.timestamp("ms", "No/Where"), 0),
    ],
)
def test_a_value_that_python_does_not_have_is_named(tmp_path: Path, kind: pa.DataType, row: int) -> None:
    values = pa.array([0, 1, 2, 2**60, 3, 4]).cast(kind)
    shown = f", row {row}, column 'premise': a value of type {kind} that cannot be read ("
    assert said(tmp_path, rte(values)).startswith(shown)


@pytest.mark.parametrize(
    "labels",
    [[True, False] * 3, [1.0, 0.0] * 3, ["not_entailment", "entailment"] * 3, pa.array([1, 0] * 3, pa.uint8())],
)
def test_labels_that_mean_the_same_have_the_same_fingerprint(tmp_path: Path, labels: Any) -> None:
    write(tmp_path, rte(label=[1, 0] * 3))
    coded = load_rows(RTE, str(tmp_path))
    assert [row["label"] for row in coded.train] == [1, 0] * 3
    write(tmp_path, rte(label=labels))
    assert load_rows(RTE, str(tmp_path)).fingerprint == coded.fingerprint


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (1.5, "label 1.5 is neither a code nor a name"),
        (float("nan"), "label nan is neither a code nor a name"),
        (2**62, f"label {2**62} is out of range"),
        ("1", "unknown label '1' (allowed: entailment, not_entailment)"),
        (datetime.date(2020, 1, 2), "label datetime.date(2020, 1, 2) is neither a code nor a name"),
        ([1], "label [1] is neither a code nor a name"),
        (None, "the value is null"),
    ],
)
def test_a_label_that_means_nothing_is_named(tmp_path: Path, label: Any, shown: str) -> None:
    assert said(tmp_path, rte(label=[label] * ROWS)).startswith(f", row 0, column 'label': {shown}")


def test_scores_may_be_whole_numbers_but_no_truth_values_or_texts(tmp_path: Path) -> None:
    spec = get_task("stsb")
    rows = [{**row, "label": float(index % 6)} for index, row in enumerate(rows_of(spec, ROWS))]
    floats = load_rows(spec, str(write_task(tmp_path, spec, rows, rows)))
    whole = [{**row, "label": int(row["label"])} for row in rows]
    assert load_rows(spec, str(write_task(tmp_path, spec, whole, rows))).fingerprint == floats.fingerprint
    for wrong in (True, "3.5"):
        root = str(write_task(tmp_path, spec, [{**row, "label": wrong} for row in rows], rows))
        with pytest.raises(InputError, match=r"train\.parquet, row 0, column 'label': '?(True|3\.5)'? is not a finite"):
            load_rows(spec, root)


def test_a_column_that_is_there_twice_is_an_error_where_it_is_read(tmp_path: Path) -> None:
    table = rte()
    twice = pa.table([table[0], *table.columns], names=["premise", *table.column_names])
    assert said(tmp_path, twice) == ": there are 2 columns 'premise'; keep one of them"
    write(tmp_path, pa.table([table[0], table[0], *table.columns], names=["x", "x", *table.column_names]))
    assert load_rows(RTE, str(tmp_path)).train == table.to_pylist()


def test_a_page_whose_checksum_is_wrong_is_not_read(tmp_path: Path) -> None:
    """Without its checksum the changed letter would be a text like any other."""
    path = write(
        tmp_path, rte(), compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False
    )
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"p3", b"p8", 1))
    with pytest.raises(InputError, match=r"train\.parquet: the file is damaged, its rows cannot be read \(.*CRC"):
        load_rows(RTE, str(tmp_path))


@pytest.mark.parametrize("options", [{"write_page_checksum": True}, {"compression": "zstd", "row_group_size": 16}])
def test_flipped_bytes_end_in_a_sentence_or_in_rows(tmp_path: Path, options: dict[str, Any]) -> None:
    """Half of them in the footer; where the rows differ they have another fingerprint."""
    rows, draw = rows_of(SQUAD, 48), random.Random(0)
    path = write_task(tmp_path, SQUAD, rows, rows) / "squad" / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, **options)
    plain, sound = load_rows(SQUAD, str(tmp_path)), path.read_bytes()
    refused = 0
    for number in range(100):
        place = draw.randrange(len(sound)) if number % 2 else len(sound) - 1 - draw.randrange(1200)
        changed = bytearray(sound)
        changed[place] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            loaded = load_rows(SQUAD, str(tmp_path))
        except InputError as error:
            refused += str(path) in str(error)
        else:
            assert (loaded.train == plain.train) == (loaded.fingerprint == plain.fingerprint)
    assert refused > 20


def test_a_file_that_ends_early_is_no_parquet_file(tmp_path: Path) -> None:
    path = write(tmp_path, rte())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"train\.parquet: not a Parquet file"):
        load_rows(RTE, str(tmp_path))


def test_a_footer_that_declares_more_rows_than_there_are_is_an_error(tmp_path: Path) -> None:
    """A count that nobody could allocate, written into the footer as Thrift's variable-length integer."""
    path = write(tmp_path, rte())
    sound = path.read_bytes()
    count = pq.read_metadata(path).num_rows
    footer = sound.rindex(b"PAR1") - 4 - int.from_bytes(sound[-8:-4], "little")
    at = sound.index(bytes([0x16, 2 * count, 0x19]), footer) + 1  # FileMetaData.num_rows, before the row groups
    huge = b"\xfe" + b"\xff" * 7 + b"\x7f"
    changed = sound[:at] + huge + sound[at + 1 :]
    length = int.from_bytes(sound[-8:-4], "little") + len(huge) - 1
    path.write_bytes(changed[:-8] + length.to_bytes(4, "little") + b"PAR1")
    assert pq.read_metadata(path).num_rows > 2**60
    with pytest.raises(InputError, match=r"its rows cannot be read \(it declares \d{18,} rows and holds 6\)"):
        load_rows(RTE, str(tmp_path))
