"""Whatever a sweep file or a `--set` holds: a sweep, or sentences that say where."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.yaml_source import MOST_LEVELS, parse_yaml

SWEEPS = Path(__file__).parents[3] / "sweeps"
GOOD = (SWEEPS / "quickstart.yaml").read_bytes()


def said(folder: Path, content: bytes, *overrides: str) -> str:
    """What is said about a file, without the folder it is in."""
    path = folder / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        load_sweep(str(path), overrides)
    return str(raised.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    "value",
    [
        "!!seq {}",
        "!!map []",
        "!!int x",
        "!!float x",
        "!!bool []",
        "!!null {a: b}",
        "!!str [a]",
        "!!set {a, b}",
        "!!timestamp 2001-01-01",
        "!!binary aGVsbG8=",
        "!!python/object/apply:os.system [ls]",
        "!local x",
        "! x",
    ],
)
def test_no_tag_is_followed(value: str, tmp_path: Path) -> None:
    text = f"name: x\nstorage: {value}\n".encode()
    assert said(tmp_path, text).startswith("x.yaml:2: cannot be read: tags such as '!")
    assert said(tmp_path, GOOD, f"storage={value}").startswith(
        f"--set storage={value}:1: cannot be read: tags such as '!"
    )


@pytest.mark.parametrize(
    "value", ["&a x", "*a", "&a [*a, *a]", "{<<: *a}"], ids=["anchor", "alias", "recursion", "merge"]
)
def test_no_alias_is_followed(value: str, tmp_path: Path) -> None:
    sentence = "cannot be read: anchors and aliases are not supported"
    assert said(tmp_path, f"name: x\nstorage: {value}\n".encode()) == f"x.yaml:2: {sentence}"
    assert said(tmp_path, GOOD, f"storage={value}") == f"--set storage={value}:1: {sentence}"


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000, "[" * 5_000 + "]" * 5_000])
def test_levels_have_a_bound(text: str, tmp_path: Path) -> None:
    sentence = f":1: cannot be read: more than {MOST_LEVELS} mappings and lists inside each other"
    assert said(tmp_path, text.encode()).endswith(sentence)
    assert said(tmp_path, GOOD, f"seeds={text}").endswith(sentence)
    allowed = "[" * MOST_LEVELS + "x" + "]" * MOST_LEVELS
    found, _ = parse_yaml(allowed, "here")
    assert str(found) == allowed.replace("x", "'x'")


@pytest.mark.parametrize("number", ["9" * 5_000, f"-{'9' * 5_000}", f"0.{'1' * 5_000}", f"1{'0' * 400}"])
def test_digits_have_a_bound(number: str, tmp_path: Path) -> None:
    sentence = f"a number of {len(number)} characters; at most 100 are read"
    assert said(tmp_path, f"name: x\ntraining: {{lr: {number}}}".encode()) == f"x.yaml:2: {sentence}"
    assert said(tmp_path, GOOD, f"seeds=[{number}]").endswith(f"...:1: {sentence}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"name: x\r\nstorage: \xe9\r\n",
            "x.yaml:2: not UTF-8 text (byte 18 is 0xe9); if it is Latin-1, convert",
        ),
        ("name: x\n".encode("utf-16"), "x.yaml: UTF-16 text, not UTF-8; convert it with: iconv -f UTF-16 -t UTF-8"),
        ("name: x\n".encode("utf-32"), "x.yaml: UTF-32 text, not UTF-8; convert it with: iconv -f UTF-32 -t UTF-8"),
        ("name: x\n".encode("utf-16-le"), "x.yaml:1: not UTF-8 text (byte 1 is NUL)"),
        (b"name: x\nstorage: a\0b\n", "x.yaml:2: not UTF-8 text (byte 18 is NUL)"),
        (b"name: x\nstorage: a\x07b\n", "x.yaml:2: cannot be read: the character '\\x07' is not text"),
        (b'name: x\nstorage: "\\ud800"\n', "x.yaml:2: cannot be read: half a character, '\\ud800'"),
        (b'name: x\n"\\ud800": y\n', "x.yaml:2: cannot be read: half a character, '\\ud800'"),
        (b'name: x\nstorage: "\\UFFFFFFFF"\n', "x.yaml:2: cannot be read: an escape that stands for no character"),
        (b"name: x\n\tstorage: y\n", "x.yaml:2: cannot be read: found character '\\t' that cannot start any token"),
        (b"name: x\n---\nname: y\n", "x.yaml:2: cannot be read: a sweep file is one document, and here a second one"),
        (b"name: x\nname: y\n", "x.yaml:2: the key 'name' is given twice"),
        (b"name: x\n? {a: b}\n: y\n", "x.yaml:2: a key must be text"),
        (b"- name\n", "x.yaml: a sweep is a mapping of keys to values"),
        (b"", "x.yaml: a sweep is a mapping of keys to values"),
        (b"\xef\xbb\xbf", "x.yaml: a sweep is a mapping of keys to values"),
        (b"# " + b"x" * (1 << 20), "x.yaml: more than 1 MiB; that is no sweep file"),
    ],
)
def test_one_sentence_with_its_line(content: bytes, sentence: str, tmp_path: Path) -> None:
    found = said(tmp_path, content)
    assert found.startswith(sentence)
    assert "\n" not in found


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert load_sweep(str(tmp_path / "x.yaml")) == load_sweep(str(SWEEPS / "quickstart.yaml"))


@pytest.mark.parametrize("text", ["12:30:45", "0o17", "0x1F", "1_000", ".inf", "2001-01-01", "on", "yes", "+", "."])
def test_what_only_yaml_1_1_reads_as_something_else_is_text(text: str) -> None:
    assert parse_yaml(text, "here")[0] == text


def test_pipes_devices_and_folders_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, sentence in (
        (tmp_path / "pipe", "is not a regular file; a pipe or a device cannot be a sweep file"),
        (Path("/dev/zero"), "is not a regular file; a pipe or a device cannot be a sweep file"),
        (tmp_path, "is a folder; give a sweep file"),
        (tmp_path / "loop", "cannot be read: too many levels of symbolic links"),
        (tmp_path / ("x" * 300), "cannot be read: file name too long"),
    ):
        with pytest.raises(InputError) as raised:
            load_sweep(str(path))
        assert str(raised.value) == f"{path} {sentence}"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seeds.²=1", "--set seeds.²=1: seeds is a list; use a position from 0 to"),
        (f"seeds.{'9' * 5_000}=1", f"--set seeds.{'9' * 194}...: seeds is a list; use a position from 0 to"),
        ("tasks.cb.epochs.x=3", "--set tasks.cb.epochs.x=3: tasks.cb.epochs: must be a whole number, not {'x': 3}"),
        ("backbones.0.name=x", "--set backbones.0.name=x: unknown backbone 'x'"),
        (f"{'a.' * 3_000}a=1", f"--set {'a.' * 100}...: a path has at most {MOST_LEVELS} keys above its last one"),
        ("²: x=1", "--set ²: x=1: unknown key '²: x'"),
        ("name=\udcff", "--set name=\\udcff:1: cannot be read: "),
    ],
)
def test_overrides_are_named_by_their_text(override: str, sentence: str, tmp_path: Path) -> None:
    assert said(tmp_path, GOOD, override).startswith(sentence)


def test_a_long_value_is_shown_in_part(tmp_path: Path) -> None:
    assert len(said(tmp_path, GOOD, f"seeds=[{'x' * 100_000}]")) < 500
    assert len(said(tmp_path, GOOD.replace(b"name: ", b"name: " + b"x" * 100_000 + b"/"))) < 500


TOKENS = [
    *(b"!!seq ", b"!!map {}", b"!!int ", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"? ", b": ", b"- ", b"|\n", b">\n"),
    *(b'"', b"'", b"%", b"@", b"`", b"\t", b"\0", b"\xff", b"---\n", b"...\n", b"~", b"9" * 400, b"1e999", b"<<: "),
    *(b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"#", b"\\", b"\\UFFFFFFFF", b"true", b"null", b"-1", b"[" * 3_000),
]


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """Shipped sweep files with flipped bits, cuts, swapped words and lines, and tokens that they never had."""
    draw = random.Random(seed)
    originals = [path.read_bytes() for path in sorted(SWEEPS.rglob("*.yaml"))]
    for _ in range(count):
        content = draw.choice(originals)
        for _ in range(draw.randint(1, 4)):
            content = mutated(content, draw)
        yield content


def mutated(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    match draw.randrange(6):
        case 0 if at < len(content):
            return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
        case 1:
            return content[:at]
        case 2:
            return content[:at] + draw.choice(TOKENS) + content[at:]
    mark = draw.choice([b" ", b"\n"])
    parts = content.split(mark)
    first, second = draw.randrange(len(parts)), draw.randrange(len(parts))
    parts[first], parts[second] = draw.choice([parts[second], *TOKENS]), parts[first]
    return mark.join(parts)


def test_nothing_but_sentences_comes_of_damaged_files(tmp_path: Path) -> None:
    path, refused = tmp_path / "x.yaml", 0
    for content in mutants(seed=8, count=500):
        path.write_bytes(content)
        try:
            load_sweep(str(path))
        except InputError as error:
            str(error).encode()
            refused += 1
    assert refused > 250
