"""When pruners look, which is theirs to decide and others' to estimate by."""

from __future__ import annotations

from panda_ray.sweep.search_section import PrunerName

HALVINGS = 16
"""Halving looks first after a 16th of the most epochs, then after an 8th, a quarter and a half: each time half of the
trials stop. Optuna's own start, a 100th, is the first epoch of most trainings, whose scores say little, and to stop
three of four there, as Optuna does, loses the best one more often (docs/LOG.md)."""


def first_rung(most_epochs: int) -> int:
    """The epoch after which halving looks first."""
    return max(1, most_epochs // HALVINGS)


def first_look(name: PrunerName, most_epochs: int) -> int | None:
    """The first epoch after which a trial may end; None for no pruner.

    The median looks from the first epoch on, once five trials are done; a test of pairs needs two.
    """
    looks = {"none": None, "median": 1, "halving": first_rung(most_epochs), "wilcoxon": 2}
    return looks[name]
