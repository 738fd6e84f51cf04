"""Matching: do two sentences say the same thing?

The second sentence may use other words for the same concepts and the passive voice. Where it differs, one or more
concepts were exchanged for others of the same kind. The group needs synonyms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Deed, Lexicon, Quality, Thing


@dataclass(frozen=True)
class Event:
    """Somebody did something to a thing of some quality, somewhere."""

    agent: str
    deed: Deed
    quality: Quality
    thing: Thing
    town: str


def draw_event(draw: Draw, lexicon: Lexicon) -> Event:
    """An event whose deed can be done to its thing."""
    deed = draw.one(lexicon.deeds)
    thing = draw.one([thing for thing in lexicon.things if thing.kind == deed.patient])
    return Event(draw.one(lexicon.first_names), deed, draw.one(lexicon.qualities), thing, draw.one(lexicon.towns))


def statement(draw: Draw, event: Event) -> str:
    """The event told in one of several ways."""
    deed, quality, thing = (draw.one(concept.words) for concept in (event.deed, event.quality, event.thing))
    frames = (
        f"{event.agent} {deed} the {quality} {thing} in {event.town} .",
        f"in {event.town} {event.agent} {deed} a {quality} {thing} .",
        f"the {quality} {thing} was {deed} by {event.agent} in {event.town} .",
    )
    return draw.one(frames)


def question(draw: Draw, event: Event) -> str:
    """A question about the event."""
    deed, quality, thing = (draw.one(concept.words) for concept in (event.deed, event.quality, event.thing))
    frames = (
        f"who {deed} the {quality} {thing} ?",
        f"by whom was the {quality} {thing} {deed} ?",
        f"do you know who {deed} a {quality} {thing} ?",
    )
    return draw.one(frames)


PARTS = ("deed", "quality", "thing")


def changed(draw: Draw, lexicon: Lexicon, event: Event, parts: list[str]) -> Event:
    """The event with other concepts for `parts`; deeds and things stay within their kind."""
    deeds = [deed for deed in lexicon.deeds if deed.patient == event.deed.patient]
    things = [thing for thing in lexicon.things if thing.kind == event.thing.kind]
    return replace(
        event,
        deed=draw.other(deeds, event.deed) if "deed" in parts else event.deed,
        quality=draw.other(lexicon.qualities, event.quality) if "quality" in parts else event.quality,
        thing=draw.other(things, event.thing) if "thing" in parts else event.thing,
    )


def paraphrase_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2`, `label` 1 where both tell the same event, 0 where one or two concepts differ."""
    label = draw.below(2)
    event = draw_event(draw, lexicon)
    differing = [] if label else draw.several(PARTS, 1 + draw.below(2))
    other = changed(draw, lexicon, event, differing)
    return {"sentence1": statement(draw, event), "sentence2": statement(draw, other), "label": label}


def likeness_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2`, `label` 0 ... 3: how many of deed, quality and thing are the same."""
    same = draw.below(4)
    event = draw_event(draw, lexicon)
    other = changed(draw, lexicon, event, draw.several(PARTS, 3 - same))
    return {"sentence1": statement(draw, event), "sentence2": statement(draw, other), "label": float(same)}


def duplicate_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2` are questions, `label` 1 where they ask the same."""
    label = draw.below(2)
    event = draw_event(draw, lexicon)
    differing = [] if label else draw.several(PARTS, 1 + draw.below(2))
    other = changed(draw, lexicon, event, differing)
    return {"sentence1": question(draw, event), "sentence2": question(draw, other), "label": label}
