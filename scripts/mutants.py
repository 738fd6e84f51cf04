"""Do the tests notice? Each mutant is one wrong line of the package; some test that is named beside it must fail.

    python scripts/mutants.py              # all of tests/mutants/*.yaml
    python scripts/mutants.py training     # those of tests/mutants/training.yaml

Mutants are data, one list per area: `name` says what is wrong, `file` where, `find` (exactly once in the file) becomes
`replace`, and `tests` are pytest's arguments that must not pass any more: name the cheapest test whose assertion says
what is wrong, one parameter of it rather than all. The checkout is never changed: every process works in a copy of its
own. Processes are forked from one that has imported what is slow to import, which is half of what a mutant takes.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "mutants"
COPIED = (
    "panda_ray",
    "tests",
    "benchmarks",
    "scripts",
    "sweeps",
    "docs",
    "pyproject.toml",
    "cluster.yaml",
    "README.md",
)
PASSED, FAILED = 0, 1
"""Exit codes of pytest."""

PRELOADED = (
    "pytest",
    "torch",
    "transformers.models.bert.modeling_bert",
    "transformers.models.roberta.modeling_roberta",
    "tokenizers",
    "safetensors.torch",
    "pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "matplotlib.figure",
    "pydantic",
    "typer",
    "datasets",
    "sklearn.metrics",
    "mlflow.store.tracking.sqlalchemy_store",
    "ray.tune",
)
"""Slow to import, and without threads, which a fork would not copy. Nothing of the package is among them."""

_PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout")
_SHARES = 4
"""Into so many parts per process the tests are cut that must pass without a mutant: the last ones end together."""

_FORKS = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Mutant:
    """One wrong line, and the tests that must see it."""

    area: str
    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def applied_to(self, source: str) -> str:
        """The file's wrong text.

        Raises:
            ValueError: the place to change is not there exactly once.
        """
        if source.count(self.find) != 1:
            raise ValueError(
                f"{self.area}: {self.name!r}: {self.file} has `find` {source.count(self.find)} times, not 1"
            )
        return source.replace(self.find, self.replace)


def read_mutants(areas: Sequence[str] = ()) -> list[Mutant]:
    """Mutants of some areas, or of all."""
    paths = [FOLDER / f"{area}.yaml" for area in areas] or sorted(FOLDER.glob("*.yaml"))
    return [
        Mutant(path.stem, entry["name"], entry["file"], entry["find"], entry["replace"], tuple(entry["tests"]))
        for path in paths
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


@dataclass(frozen=True)
class Ended:
    """A run of pytest: its exit code, and what it took."""

    code: int | None
    cpu_seconds: float
    """Of the process and of those that it waited for."""
    seconds_of: Mapping[str, float]
    """Per test that ran."""


def main() -> int:
    """0 if the tests pass as they are and every mutant makes one fail."""
    mutants = read_mutants(sys.argv[1:])
    _settle_environment()
    _FORKS.set_forkserver_preload(list(PRELOADED))
    began = time.monotonic()
    with _copies(os.cpu_count() or 1) as copies, ThreadPoolExecutor(copies.qsize()) as pool:
        plain = list(pool.map(lambda share: _run(copies, share), shares_of(mutants, _SHARES * copies.qsize())))
        if any(ended.code != PASSED for ended in plain):
            print("the named tests do not pass without any mutant; mend them first")
            return 1
        print(f"without a mutant the tests pass ({sum(ended.cpu_seconds for ended in plain):.0f} s of CPU)", flush=True)
        seconds_of = {test: seconds for ended in plain for test, seconds in ended.seconds_of.items()}
        mutants.sort(key=lambda mutant: -_expected_seconds(mutant, seconds_of))
        survivors = [text for text in pool.map(lambda mutant: _survival(copies, mutant), mutants) if text is not None]
    minutes = (time.monotonic() - began) / 60
    noticed = f"{len(mutants) - len(survivors)} of {len(mutants)} mutants were noticed in {minutes:.1f} minutes"
    print(*survivors, noticed, sep="\n")
    return 1 if survivors else 0


def _settle_environment() -> None:
    """For all processes: one thread, no measuring of coverage, no plug-in of pytest but ours, and bytecode kept."""
    for name in [name for name in os.environ if name.startswith(("COV", "PYTHONDONTWRITEBYTECODE"))]:
        del os.environ[name]
    sys.dont_write_bytecode = False  # which the processes inherit
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def shares_of(mutants: Sequence[Mutant], count: int) -> list[list[str]]:
    """The named tests in about equal parts; those of one file stay together, and so do their fixtures."""
    by_file: dict[str, set[str]] = defaultdict(set)
    for test in sorted({test for mutant in mutants for test in mutant.tests}):
        by_file[test.partition("::")[0]].add(test)
    files = sorted(by_file.values(), key=len, reverse=True)
    return [sorted(set().union(*files[index::count])) for index in range(min(count, len(files)))]


def _expected_seconds(mutant: Mutant, seconds_of: Mapping[str, float]) -> float:
    """How long its tests took without it: the longest mutants come first, so that no process idles at the end."""
    return sum(seconds for test, seconds in seconds_of.items() if test.startswith(mutant.tests))


def _survival(copies: Queue[Path], mutant: Mutant) -> str | None:
    """None if a test failed because of the mutant, otherwise what happened."""
    ended = _run(copies, mutant.tests, mutant)
    said = "noticed" if ended.code == FAILED else "NOT NOTICED"
    print(f"{said} ({ended.cpu_seconds:.1f} s of CPU): {mutant.area}: {mutant.name}", flush=True)
    return None if ended.code == FAILED else f"survived (pytest {ended.code}): {mutant.area}: {mutant.name}"


def _run(copies: Queue[Path], tests: Sequence[str], mutant: Mutant | None = None) -> Ended:
    """pytest on a copy of the checkout, with a mutant in it or without."""
    copy = copies.get()
    try:
        with _changed(copy, mutant):
            process = _FORKS.Process(target=_pytest, args=(copy, tests))
            process.start()
            process.join()
        ended = _said(copy)
        if ended.code not in (PASSED, FAILED) or (mutant is None and ended.code != PASSED):
            print(_output_of(copy).read_text(errors="replace")[-4000:], flush=True)
        return ended
    finally:
        copies.put(copy)


@contextmanager
def _changed(copy: Path, mutant: Mutant | None) -> Iterator[None]:
    """The copy with a mutant in it, until the context ends; its bytecode goes by the files' times."""
    if mutant is None:
        yield
        return
    path = copy / mutant.file
    original, seen = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(mutant.applied_to(original), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(original, encoding="utf-8")
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _output_of(copy: Path) -> Path:
    return copy.with_suffix(".log")


def _times_of(copy: Path) -> Path:
    return copy.with_suffix(".json")


def _said(copy: Path) -> Ended:
    """What the process said at its end, if it came so far.

    Its exit status is not asked for: of two threads that look for ended processes, `multiprocessing` tells only one.
    """
    path = _times_of(copy)
    ended = Ended(*json.loads(path.read_text())) if path.exists() else Ended(None, 0.0, {})
    path.unlink(missing_ok=True)
    return ended


class _Stopwatch:
    """A plug-in of pytest that adds up how long each test took, with the fixtures that it made."""

    def __init__(self) -> None:
        self.seconds_of: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds_of[report.nodeid] += report.duration


def _pytest(copy: Path, tests: Sequence[str]) -> None:
    """Run tests in a forked process, which works in the copy and imports the package from there."""
    import pytest

    with _output_of(copy).open("wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    gc.freeze()  # or pytest would look through all that was imported for garbage, five times
    stopwatch = _Stopwatch()
    code = int(pytest.main([*_PYTEST, *tests], plugins=[stopwatch]))
    _times_of(copy).write_text(json.dumps([code, sum(os.times()[:4]), stopwatch.seconds_of]))
    os._exit(code)


@contextmanager
def _copies(count: int) -> Iterator[Queue[Path]]:
    """Copies of the checkout, one for each process at a time."""
    copies: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory(prefix="panda-ray-mutants-") as folder:
        for index in range(count):
            copy = Path(folder, str(index), "main")
            for name in COPIED:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    copy.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, copy / name)
            if (shared := ROOT.parent / "shared").is_dir():  # tests look for real data beside the checkout
                (copy.parent / "shared").symlink_to(shared)
            copies.put(copy)
        yield copies


if __name__ == "__main__":
    sys.exit(main())
