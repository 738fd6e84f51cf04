"""Pairings: do two sentences speak of the same kind of thing, whatever else they say?

The group needs what nouns, or verbs, have in common, and not that anything is said in other words.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.heldout.handling import deed_word, thing_word
from panda_ray.tasks.suite.lexicon import KINDS, Lexicon


def _two_kinds(draw: Draw, label: int) -> tuple[str, str]:
    kind = draw.one(KINDS)
    return kind, kind if label else draw.other(KINDS, kind)


def alike_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2` with a thing each, `label` 1 where both are of one kind."""
    label = draw.below(2)
    first, second = (thing_word(draw, lexicon, kind) for kind in _two_kinds(draw, label))
    name, other = draw.several(lexicon.first_names, 2)
    town = draw.one(lexicon.towns)
    frames = (f"{name} lost a {first} in {town} .", f"the {first} was from {town} .")
    others = (f"{other} talked about a {second} .", f"{other} wanted the {second} .")
    return {"sentence1": draw.one(frames), "sentence2": draw.one(others), "label": label}


def suited_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1` with a deed, and a question `sentence2` with one that is meant and one that is not.

    `label` 1 where both that are meant are done to one kind of thing.
    """
    label = draw.below(2)
    kinds = _two_kinds(draw, label)
    first, second = (deed_word(draw, lexicon, kind) for kind in kinds)
    ruled_out = deed_word(draw, lexicon, draw.other(KINDS, kinds[1]))
    name, other = draw.several(lexicon.first_names, 2)
    town = draw.one(lexicon.towns)
    frames = (f"{name} {first} it in {town} .", f"it was {first} by {name} of {town} .")
    questions = (
        f"do you know what {other} {second} and not {ruled_out} ?",
        f"what was not {ruled_out} but {second} by {other} ?",
    )
    return {"sentence1": draw.one(frames), "sentence2": draw.one(questions), "label": label}
