"""Do the tests notice? Each mutant is one wrong line of the package; some test that is named beside it must fail.

    python scripts/mutants.py              # all of tests/mutants/*.yaml
    python scripts/mutants.py training     # those of tests/mutants/training.yaml

Mutants are data, one list per area: `name` says what is wrong, `file` where, `find` (exactly once in the file) becomes
`replace`, and `tests` are pytest's arguments that must not pass any more. The checkout is never changed: every process
works in a copy of its own. Processes are forked from one that has imported what is slow to import, which is half of
what a mutant takes.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import yaml

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
)
"""Slow to import, and without threads, which a fork would not copy. Nothing of the package is among them."""

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


def main() -> int:
    """0 if the tests pass as they are and every mutant makes one fail."""
    mutants = read_mutants(sys.argv[1:])
    for name in [name for name in os.environ if name.startswith("COV")]:
        del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = "1"
    _FORKS.set_forkserver_preload(list(PRELOADED))
    with _copies(os.cpu_count() or 1) as copies, ThreadPoolExecutor(copies.qsize()) as pool:
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        shares = [tests[index :: copies.qsize()] for index in range(copies.qsize())]
        ended = [code for code in pool.map(lambda share: _run(copies, share), shares) if code != PASSED]
        if ended:
            print("the named tests do not pass without any mutant; mend them first")
            return 1
        survivors = [text for text in pool.map(lambda mutant: _survival(copies, mutant), mutants) if text is not None]
    print(*survivors, f"{len(mutants) - len(survivors)} of {len(mutants)} mutants were noticed", sep="\n")
    return 1 if survivors else 0


def _survival(copies: Queue[Path], mutant: Mutant) -> str | None:
    """None if a test failed because of the mutant, otherwise what happened."""
    code = _run(copies, mutant.tests, mutant)
    print(f"{'noticed' if code == FAILED else 'NOT NOTICED'}: {mutant.area}: {mutant.name}", flush=True)
    return None if code == FAILED else f"survived (pytest {code}): {mutant.area}: {mutant.name}"


def _run(copies: Queue[Path], tests: Sequence[str], mutant: Mutant | None = None) -> int | None:
    """pytest's exit code on a copy of the checkout, with a mutant in it or without."""
    if not tests:
        return PASSED
    copy = copies.get()
    try:
        with _changed(copy, mutant):
            process = _FORKS.Process(target=_pytest, args=(copy, tests))
            process.start()
            process.join()
        code = process.exitcode
        if code not in (PASSED, FAILED) or (mutant is None and code != PASSED):
            print(_output_of(copy).read_text(errors="replace")[-4000:], flush=True)
        return code
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


def _pytest(copy: Path, tests: Sequence[str]) -> None:
    """Run tests in a forked process, which works in the copy and imports the package from there."""
    import pytest

    with _output_of(copy).open("wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ["PYTHONPATH"] = str(copy)
    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))


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
