"""Reading: find the answer to a question in two facts, as in the built-in suite, about other relations."""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon
from panda_ray.tasks.suite.reading import Fact, passage_row


def delivery(draw: Draw, guild: str, word: str) -> Fact:
    """What a guild sent."""
    asked = (
        (f"what was sent by the {guild} guild ?", word),
        (f"from whom is the {word} ?", f"{guild} guild"),
    )
    return (f"the {guild} guild sent a {word} .", *draw.one(asked))


def meeting(draw: Draw, name: str, last_name: str) -> Fact:
    """Whom somebody talked about."""
    asked = (
        (f"about whom did {name} know something ?", last_name),
        (f"who talked about {last_name} ?", name),
    )
    return (f"{name} talked about {last_name} .", *draw.one(asked))


def loss(draw: Draw, name: str, word: str, town: str) -> Fact:
    """Where somebody lost something."""
    asked = ((f"who lost a {word} ?", name), (f"where is the {word} of {name} ?", town))
    return (f"{name} lost a {word} near {town} .", *draw.one(asked))


def errand(draw: Draw, name: str, word: str, town: str) -> Fact:
    """Where somebody took something."""
    asked = ((f"who went with a {word} ?", name), (f"where did {name} go with it ?", town))
    return (f"{name} took a {word} to {town} .", *draw.one(asked))


def ledger_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about what guilds sent and of whom people talked."""
    names, last_names = draw.several(lexicon.first_names, 3), draw.several(lexicon.last_names, 3)
    words = [draw.one(thing.words) for thing in draw.several(lexicon.things, 3)]
    guilds = draw.several(lexicon.guilds, 3)
    facts = [
        delivery(draw, guilds[at], words[at]) if draw.chance(0.5) else meeting(draw, names[at], last_names[at])
        for at in range(3)
    ]
    return passage_row(draw, facts)


def errand_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """A passage about things that people lost or took somewhere."""
    names, towns = draw.several(lexicon.first_names, 3), draw.several(lexicon.towns, 3)
    words = [draw.one(thing.words) for thing in draw.several(lexicon.things, 3)]
    return passage_row(draw, [draw.one((loss, errand))(draw, names[at], words[at], towns[at]) for at in range(3)])
