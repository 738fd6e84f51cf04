"""Handling: what is done to which kind of thing?

The group needs the kind that every verb is done to and the kind of every noun.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.knowledge import contrast
from panda_ray.tasks.suite.lexicon import KINDS, Lexicon


def deed_word(draw: Draw, lexicon: Lexicon, kind: str) -> str:
    """A verb of what is done to things of the kind."""
    return draw.one(draw.one([deed for deed in lexicon.deeds if deed.patient == kind]).words)


def thing_word(draw: Draw, lexicon: Lexicon, kind: str) -> str:
    """A noun of the kind."""
    return draw.one(draw.one([thing for thing in lexicon.things if thing.kind == kind]).words)


def handled_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence` with a deed, `label` code of the kind of thing that it was done to."""
    label = draw.below(len(KINDS))
    deed = deed_word(draw, lexicon, KINDS[label])
    ruled_out = deed_word(draw, lexicon, draw.other(KINDS, KINDS[label]))
    name, town = draw.one(lexicon.first_names), draw.one(lexicon.towns)
    frames = (
        f"people say that {name} {deed} something .",
        f"it was {deed} and not {ruled_out} in {town} .",
        f"what was {deed} by {name} of {town} ?",
        f"{name} {deed} it rather than {ruled_out} it .",
    )
    return {"sentence": draw.one(frames), "label": label}


def possible_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise` about a thing, `hypothesis` with a deed, `label` 1 where it can be done to the thing."""
    label = draw.below(2)
    kind = draw.one(KINDS)
    thing = thing_word(draw, lexicon, kind)
    deed = deed_word(draw, lexicon, kind if label else draw.other(KINDS, kind))
    name, other = draw.several(lexicon.first_names, 2)
    town = draw.one(lexicon.towns)
    frames = (f"{name} lost a {thing} in {town} .", f"there were a {thing} and people in {town} .")
    return {"premise": draw.one(frames), "hypothesis": f"{other} {deed} it .", "label": label}


def fit_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise` that means one thing and rules out another, `choice1`, `choice2` with a deed each.

    `label`: which deed can be done to the thing that is meant; the other one suits the thing that is not.
    """
    label = draw.below(2)
    meant = draw.one(lexicon.things)
    ruled_out = draw.one([thing for thing in lexicon.things if thing.kind != meant.kind])
    name, other = draw.several(lexicon.first_names, 2)
    deeds = [deed_word(draw, lexicon, thing.kind) for thing in (meant, ruled_out)]
    first, second = reversed(deeds) if label else deeds
    words = contrast(draw, meant, ruled_out)
    frames = (f"{name} wanted {words} .", f"there was {words} in {draw.one(lexicon.towns)} .")
    return {
        "premise": draw.one(frames),
        "choice1": f"it was {first} by {other} .",
        "choice2": f"it was {second} by {other} .",
        "label": label,
    }
