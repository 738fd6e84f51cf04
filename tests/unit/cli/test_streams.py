"""No secret of a URI gets out, whatever writes it, and no stream's trouble becomes a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from panda_ray.cli.streams import Guarded
from panda_ray.secrets import has_secret, public, redacted
from support.processes.command_line import CommandLine

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql://ann:hunter2@db:5432/x, away", "at postgresql://***@db:5432/x, away"),
        ("postgresql+psycopg2://ann:hun/ter2@x?#@db/x", "postgresql+psycopg2://***@db/x"),
        ("at postgresql://ann:hunt@er/2@db/x, away", "at postgresql://***@db/x, away"),
        ("https://hunter2@host/x", "https://***@host/x"),
        ("'s3://key:hunter2@bucket/a' and 's3://k:hunter2@b'", "'s3://***@bucket/a' and 's3://***@b'"),
        ("mysql://h/x?user=a&password=hunter2&ssl=1", "mysql://h/x?user=a&password=***&ssl=1"),
        ("http://host:5000/a/b and me@example.org", "http://host:5000/a/b and me@example.org"),
        ("s3://bucket/a@b?version=3", "s3://bucket/a@b?version=3"),
        ("--set KEY=VALUE", "--set KEY=VALUE"),
    ],
)
def test_user_and_password_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ann:hun 'ter\"2@db/x", "postgresql://***@db/x"),
        ("tracking_uri=mysql://h/x?password=a b&ssl=1", "tracking_uri=mysql://h/x?password=***&ssl=1"),
        ("name=x", "name=x"),
    ],
)
def test_blanks_and_quotes_of_a_password_are_hidden_where_a_uri_stands_alone(uri: str, shown: str) -> None:
    assert public(uri) == shown


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://me:x@db/studies", True),
        ("postgresql://db/studies?password=x", True),
        ("postgresql://me@db/studies?sslmode=require", False),
        ("runs/studies.log", False),
    ],
)
def test_a_user_alone_is_no_secret(uri: str, expected: bool) -> None:
    assert has_secret(uri) == expected


def test_a_known_uris_password_is_hidden_wherever_others_say_it() -> None:
    uri = "postgresql://ann:hun%74er2@db/x?sslpassword=pass%20word"
    said = "hun%74er2 or hunter2 is wrong, 'pass word' too"
    assert redacted(said, uri) == "*** or *** is wrong, '***' too"
    assert redacted(said) == said


SWEEP = "name: x\nstorage: {storage}\nbackbones: [builtin-tiny]\nsources: [review]\ntargets: [remark]\n"
SWEEP += "training: {{epochs: 1}}\ntasks: {{remark: {{max_train_rows: 16, max_dev_rows: 8}}}}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "x.yaml"),
        ("plan", "x.yaml", "--json"),
        ("status", "x.yaml"),
        ("report", "x.yaml"),
        ("ui", "x.yaml"),
        ("run", "x.yaml", "--runner", "inline"),
        ("run", "x.yaml", "--runner", "inline", "--json"),
        ("run", "x.yaml", "--address", f"http://ann:{SECRET}@127.0.0.1:1"),
        ("plan", "x.yaml", "--set", f"targets=postgresql://ann:{SECRET}@h"),
        ("plan", f"https://ann:{SECRET}@h/x.yaml"),
        ("nothing", f"https://ann:{SECRET}@h/x.yaml"),
    ],
)
@pytest.mark.parametrize(
    "storage", ["store", f"s3://ann:{SECRET}@127.0.0.1:1/bucket", f"nosuch://ann:{SECRET}@bucket/x"]
)
def test_no_output_of_a_command_holds_a_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    storage: str,
) -> None:
    cli = CommandLine(tmp_path, monkeypatch)
    (tmp_path / "x.yaml").write_text(SWEEP.format(storage=storage))
    sets = ("--set", f"tracking_uri=nosuch://ann:{SECRET}@127.0.0.1:1/x")
    ended = cli(*arguments, *sets, "--set", "methods=[prompt_tuning]")
    assert ended.out + ended.err
    assert SECRET not in ended.out + ended.err


def command(*arguments: str, **environment: str) -> list[str]:
    """A command line for a shell."""
    return [f"{name}={value}" for name, value in environment.items()] + [
        sys.executable,
        "-m",
        "panda_ray.cli",
        *arguments,
    ]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=240, env={**os.environ}
    )


def test_a_reader_that_went_away_and_closed_streams_are_no_error() -> None:
    for line in (
        " ".join(command("tasks")) + " | head -n 1; exit ${PIPESTATUS[0]}",
        " ".join(command("tasks")) + " | true; exit ${PIPESTATUS[0]}",
        " ".join(command("tasks")) + " >&-",
        " ".join(command("tasks")) + " 2>&-",
    ):
        ended = shell(line)
        assert (ended.returncode, ended.stderr) == (0, ""), line


def test_characters_that_the_output_cannot_hold_are_replaced() -> None:
    held = io.BytesIO()
    stream = Guarded(io.TextIOWrapper(held, encoding="ascii", write_through=True))
    stream.write("■ review → remark\n")
    assert held.getvalue() == b"? review ? remark\n"
