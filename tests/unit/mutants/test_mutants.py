"""The list of mutants stays true: each one still changes exactly one place, and its tests are there."""

from __future__ import annotations

import re

import pytest

from scripts.mutants import ROOT, Mutant, read_mutants, shares_of


@pytest.mark.parametrize("mutant", read_mutants(), ids=lambda mutant: f"{mutant.area}: {mutant.name}")
def test_a_mutant_changes_one_place_and_names_tests_that_are_there(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    wrong = mutant.applied_to(source)
    assert wrong != source
    compile(wrong, mutant.file, "exec")  # a test must fail, not the import
    assert mutant.tests
    for test in mutant.tests:
        path, *names = test.partition("[")[0].split("::")
        written = written_or_inherited(path)
        assert all(re.search(rf"(def|class) {name}\b", written) for name in names), test


def written_or_inherited(path: str) -> str:
    """A file of tests, and the contract that its classes inherit their tests of."""
    own = (ROOT / path).read_text(encoding="utf-8")
    bases = re.findall(r"^class \w+\((\w+Contract)\)", own, re.MULTILINE)
    contracts = [file.read_text(encoding="utf-8") for file in (ROOT / "panda_ray" / "testing").glob("*_contract.py")]
    return "\n".join([own, *(text for text in contracts if any(f"class {base}" in text for base in bases))])


def test_a_mutant_whose_place_is_gone_is_refused() -> None:
    mutant = Mutant("area", "gone", "file.py", "a = 1", "a = 2", ("tests",))
    with pytest.raises(ValueError, match=r"'gone': file\.py has `find` 2 times, not 1"):
        mutant.applied_to("a = 1\na = 1\n")


def test_named_tests_are_shared_out_by_files_each_of_them_once() -> None:
    named = [("a.py::x", "b.py"), ("a.py::y[1]",), ("c.py::x",), ("a.py::x",)]
    shares = shares_of([Mutant("area", "wrong", "file.py", "a", "b", tests) for tests in named], 2)
    assert sorted(shares) == [["a.py::x", "a.py::y[1]", "c.py::x"], ["b.py"]]
