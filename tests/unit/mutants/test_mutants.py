"""The list of mutants stays true: each one still changes exactly one place, and its tests are there."""

from __future__ import annotations

import pytest

from scripts.mutants import ROOT, Mutant, read_mutants


@pytest.mark.parametrize("mutant", read_mutants(), ids=lambda mutant: f"{mutant.area}: {mutant.name}")
def test_a_mutant_changes_one_place_and_names_tests(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.applied_to(source) != source
    assert mutant.tests
    assert all((ROOT / test.split("::")[0]).exists() for test in mutant.tests)


def test_a_mutant_whose_place_is_gone_is_refused() -> None:
    mutant = Mutant("area", "gone", "file.py", "a = 1", "a = 2", ("tests",))
    with pytest.raises(ValueError, match=r"'gone': file\.py has `find` 2 times, not 1"):
        mutant.applied_to("a = 1\na = 1\n")
