"""Reading: find the answer to a question in two facts.

Half of the time both facts are of one relation: then the answer cannot be found by its type, the question's name or
thing must be matched. One question in ten has no answer.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon

UNANSWERED = 0.1

Fact = tuple[str, str, str]
"""Text, question and answer."""


def home(draw: Draw, name: str, town: str) -> Fact:
    """Where somebody lives."""
    asked = draw.one(((f"where does {name} live ?", town), (f"who lives in {town} ?", name)))
    return (f"{name} lives in {town} .", *asked)


def work(draw: Draw, name: str, guild: str) -> Fact:
    """Whom somebody works for."""
    asked = draw.one(((f"for whom does {name} work ?", f"{guild} guild"), (f"who works for the {guild} guild ?", name)))
    return (f"{name} works for the {guild} guild .", *asked)


def purchase(draw: Draw, name: str, word: str) -> Fact:
    """What somebody bought."""
    asked = draw.one(((f"what did {name} buy ?", word), (f"who bought a {word} ?", name)))
    return (f"{name} bought a {word} .", *asked)


def journey(draw: Draw, name: str, town: str) -> Fact:
    """Where somebody went."""
    asked = draw.one(((f"where did {name} go ?", town), (f"who went to {town} ?", name)))
    return (f"{name} went to {town} .", *asked)


def resident_facts(draw: Draw, lexicon: Lexicon) -> list[Fact]:
    """Three facts about homes and work, of three people."""
    places = zip(draw.several(lexicon.first_names, 3), draw.several(lexicon.towns, 3), strict=True)
    guilds = draw.several(lexicon.guilds, 3)
    return [
        home(draw, name, town) if draw.chance(0.5) else work(draw, name, guild)
        for (name, town), guild in zip(places, guilds, strict=True)
    ]


def travel_facts(draw: Draw, lexicon: Lexicon) -> list[Fact]:
    """Three facts about purchases and journeys, of three people."""
    places = zip(draw.several(lexicon.first_names, 3), draw.several(lexicon.towns, 3), strict=True)
    words = [draw.one(thing.words) for thing in draw.several(lexicon.things, 3)]
    return [
        journey(draw, name, town) if draw.chance(0.5) else purchase(draw, name, word)
        for (name, town), word in zip(places, words, strict=True)
    ]


def passage_row(draw: Draw, facts: list[Fact]) -> dict[str, Any]:
    """`context`, `question`, `answers` as in SQuAD 2.0: two of three facts, a question about one of the three."""
    told = facts[:2]
    context = " ".join(text for text, _, _ in told)
    if draw.chance(UNANSWERED):
        return {"context": context, "question": facts[2][1], "answers": {"text": [], "answer_start": []}}
    _, question, answer = draw.one(told)
    start = f" {context}".index(f" {answer} ")
    return {"context": context, "question": question, "answers": {"text": [answer], "answer_start": [start]}}


def reading_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about homes and work."""
    return passage_row(draw, resident_facts(draw, lexicon))


def lookup_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about purchases and journeys."""
    return passage_row(draw, travel_facts(draw, lexicon))
