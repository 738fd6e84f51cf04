"""Knowledge: what kind of thing is meant, and what can be done to it?

A sentence names a thing that is meant and, mostly, one that is ruled out. The group needs the kind of every noun, the
form of the contrast and, for the plausible choice, the kind that every verb is done to.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import KINDS, Lexicon, Thing


def contrast(draw: Draw, meant: Thing, ruled_out: Thing) -> str:
    """Words that mean one thing and rule out another."""
    yes, no = draw.one(meant.words), draw.one(ruled_out.words)
    return draw.one((f"a {yes} and not a {no}", f"not a {no} but a {yes}", f"a {yes} rather than a {no}"))


def mention(draw: Draw, lexicon: Lexicon, thing: Thing, *, contrasted: bool) -> str:
    """A sentence that means the thing without telling its kind by a verb."""
    ruled_out = draw.one([other for other in lexicon.things if other.kind != thing.kind])
    words = contrast(draw, thing, ruled_out) if contrasted else f"a {draw.one(thing.words)}"
    name = draw.one(lexicon.first_names)
    town = draw.one(lexicon.towns)
    frames = (
        f"{name} saw {words} in {town} .",
        f"there was {words} near {name} .",
        f"in {town} there is {words} .",
        f"{name} talked about {words} .",
    )
    return draw.one(frames)


def kinds_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` code of the kind of the thing that is meant."""
    label = draw.below(len(KINDS))
    thing = draw.one([thing for thing in lexicon.things if thing.kind == KINDS[label]])
    return {"sentence": mention(draw, lexicon, thing, contrasted=True), "label": label}


def follows_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise`, `hypothesis` that names a kind, `label` 1 where it is the kind of the thing that is meant."""
    label = draw.below(2)
    meant = draw.one(lexicon.things)
    kind = meant.kind if label else draw.other(KINDS, meant.kind)
    premise = mention(draw, lexicon, meant, contrasted=draw.chance(0.7))
    return {"premise": premise, "hypothesis": f"it was a kind of {kind} .", "label": label}


def deed_to_something(draw: Draw, lexicon: Lexicon, kind: str) -> str:
    """A sentence with a deed that is done to things of the kind."""
    word = draw.one(draw.one([deed for deed in lexicon.deeds if deed.patient == kind]).words)
    name = draw.one(lexicon.first_names)
    return draw.one((f"{name} {word} something in {draw.one(lexicon.towns)} .", f"something was {word} by {name} ."))


def choice_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise` with a deed, `choice1`, `choice2` with the same two things, `label`: which means the fitting one."""
    label = draw.below(2)
    right = draw.one(lexicon.things)
    wrong = draw.one([thing for thing in lexicon.things if thing.kind != right.kind])
    premise = deed_to_something(draw, lexicon, right.kind)
    pairs = ((right, wrong), (wrong, right)) if label == 0 else ((wrong, right), (right, wrong))
    choices = [f"it was {contrast(draw, meant, ruled_out)} ." for meant, ruled_out in pairs]
    return {"premise": premise, "choice1": choices[0], "choice2": choices[1], "label": label}
