"""Matching: do two sentences say the same thing?

The second sentence may use other words for the same concepts and the passive voice. Where it differs, some parts of
the event were exchanged. The group needs synonyms and, half of the time, the kinds of things.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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
    """A question about who the agent was."""
    deed, quality, thing = (draw.one(concept.words) for concept in (event.deed, event.quality, event.thing))
    frames = (
        f"who {deed} the {quality} {thing} in {event.town} ?",
        f"by whom was the {quality} {thing} {deed} in {event.town} ?",
        f"do you know who in {event.town} {deed} a {quality} {thing} ?",
    )
    return draw.one(frames)


PARTS = ("deed and thing", "quality", "town", "agent")
"""What may differ between two events; deed and thing go together, because not everything can be done to everything."""


def changed(draw: Draw, lexicon: Lexicon, event: Event, parts: Collection[str]) -> Event:
    """The event with something else for `parts`; half of the other things are of the same kind."""
    same_kind = draw.chance(0.5)
    other = draw_event(draw, lexicon)
    while other.deed == event.deed or other.thing == event.thing or (other.thing.kind == event.thing.kind) != same_kind:
        other = draw_event(draw, lexicon)
    deed_and_thing = other if "deed and thing" in parts else event
    return Event(
        agent=draw.other(lexicon.first_names, event.agent) if "agent" in parts else event.agent,
        deed=deed_and_thing.deed,
        quality=draw.other(lexicon.qualities, event.quality) if "quality" in parts else event.quality,
        thing=deed_and_thing.thing,
        town=draw.other(lexicon.towns, event.town) if "town" in parts else event.town,
    )


def same_or_not(draw: Draw, lexicon: Lexicon, event: Event, label: int) -> Event:
    """The same event for label 1; for label 0 one with another deed and thing and perhaps other circumstances."""
    if label:
        return event
    circumstances = [part for part in PARTS[1:] if draw.chance(0.5)]
    return changed(draw, lexicon, event, (PARTS[0], *circumstances))


def paraphrase_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2`, `label` 1 where both tell the same event."""
    label = draw.below(2)
    event = draw_event(draw, lexicon)
    other = same_or_not(draw, lexicon, event, label)
    return {"sentence1": statement(draw, event), "sentence2": statement(draw, other), "label": label}


def likeness_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2`, `label` 0 ... 5: how many parts of the event are the same, deed and thing as two."""
    event = draw_event(draw, lexicon)
    differing = [part for part in PARTS if draw.chance(0.5)]
    other = changed(draw, lexicon, event, differing)
    same = len(PARTS) + 1 - len(differing) - (PARTS[0] in differing)
    return {"sentence1": statement(draw, event), "sentence2": statement(draw, other), "label": float(same)}


def duplicate_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`sentence1`, `sentence2` are questions, `label` 1 where they ask the same."""
    label = draw.below(2)
    event = draw_event(draw, lexicon)
    other = same_or_not(draw, lexicon, event, label)
    return {"sentence1": question(draw, event), "sentence2": question(draw, other), "label": label}
