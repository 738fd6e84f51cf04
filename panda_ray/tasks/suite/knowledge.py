"""Knowledge: what kind of thing is it, and what can be done to it?

The group needs the kind of every noun and, for the plausible choice, the kind that every verb is done to.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import KINDS, Lexicon, Thing
from panda_ray.tasks.suite.matching import Event, draw_event, statement


def mention(draw: Draw, lexicon: Lexicon, thing: Thing) -> str:
    """A sentence that names the thing without telling its kind by a verb."""
    word = draw.one(thing.words)
    name = draw.one(lexicon.first_names)
    town = draw.one(lexicon.towns)
    quality = draw.one(draw.one(lexicon.qualities).words)
    frames = (
        f"{name} saw a {quality} {word} in {town} .",
        f"there was a {word} near {name} .",
        f"a {quality} {word} was seen in {town} .",
        f"{name} talked about the {word} .",
    )
    return draw.one(frames)


def kinds_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence`, `label` code of the kind of the thing that it is about."""
    label = draw.below(len(KINDS))
    thing = draw.one([thing for thing in lexicon.things if thing.kind == KINDS[label]])
    return {"sentence": mention(draw, lexicon, thing), "label": label}


def follows_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise`, `hypothesis` with the kind of the thing, `label` 1 where it follows."""
    label = draw.below(2)
    event = draw_event(draw, lexicon)
    thing = draw.one(lexicon.things)
    kind = thing.kind if label else draw.other(KINDS, thing.kind)
    told = statement(draw, _about(draw, lexicon, event, thing))
    premise = draw.one((mention(draw, lexicon, thing), told))
    return {"premise": premise, "hypothesis": f"it was a kind of {kind} .", "label": label}


def _about(draw: Draw, lexicon: Lexicon, event: Event, thing: Thing) -> Event:
    deed = draw.one([deed for deed in lexicon.deeds if deed.patient == thing.kind])
    return Event(event.agent, deed, event.quality, thing, event.town)


def choice_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`premise` with a deed, `choice1`, `choice2` name a thing each, `label` 0 or 1: the one that it can be done to."""
    label = draw.below(2)
    deed = draw.one(lexicon.deeds)
    right = draw.one([thing for thing in lexicon.things if thing.kind == deed.patient])
    wrong = draw.one([thing for thing in lexicon.things if thing.kind != deed.patient])
    word = draw.one(deed.words)
    name = draw.one(lexicon.first_names)
    premise = draw.one((f"{name} {word} something in {draw.one(lexicon.towns)} .", f"something was {word} by {name} ."))
    choices = [f"it was a {draw.one(thing.words)} ." for thing in ((right, wrong) if label == 0 else (wrong, right))]
    return {"premise": premise, "choice1": choices[0], "choice2": choices[1], "label": label}
