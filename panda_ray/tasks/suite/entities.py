"""Tagging: who, where and for which guild, and who did what to what.

Every sentence is a list of pieces with an optional type; the tags are BIO. A town may lend its name to a guild, so
that a name's type depends on its neighbours.
"""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import Lexicon
from panda_ray.tasks.suite.matching import draw_event

NAME_TYPES = ("PERSON", "TOWN", "GUILD")
ROLE_TYPES = ("AGENT", "PATIENT", "PLACE")

Piece = tuple[str, str | None]


def bio_labels(types: tuple[str, ...]) -> tuple[str, ...]:
    """Tag names in the order of their codes: outside, then begin and inside of every type."""
    return ("O", *(f"{prefix}-{name}" for name in types for prefix in ("B", "I")))


def tagged(pieces: list[Piece], types: tuple[str, ...]) -> dict[str, Any]:
    """`tokens` and `tags` of a sentence."""
    labels = bio_labels(types)
    tokens: list[str] = []
    tags: list[int] = []
    for text, kind in pieces:
        words = text.split()
        names = ["O"] * len(words) if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (len(words) - 1)]
        tokens += words
        tags += [labels.index(name) for name in names]
    return {"tokens": tokens, "tags": tags}


def person(draw: Draw, lexicon: Lexicon) -> Piece:
    """A first name, mostly with a last name."""
    first, last = draw.one(lexicon.first_names), draw.one(lexicon.last_names)
    return (f"{first} {last}" if draw.chance(0.6) else first, "PERSON")


def town(draw: Draw, lexicon: Lexicon) -> Piece:
    """A town, sometimes with "port" or "new" before it."""
    name = draw.one(lexicon.towns)
    return (draw.one((name, name, f"port {name}", f"new {name}")), "TOWN")


def guild(draw: Draw, lexicon: Lexicon) -> Piece:
    """A guild, named after itself or after a town."""
    name = draw.one((*lexicon.guilds, *lexicon.towns))
    return (draw.one((f"{name} guild", f"guild of {name}")), "GUILD")


def news(draw: Draw, lexicon: Lexicon) -> list[Piece]:
    """A sentence of news."""
    who, where, group = person(draw, lexicon), town(draw, lexicon), guild(draw, lexicon)
    thing = draw.one(draw.one(lexicon.things).words)
    frames: tuple[list[Piece], ...] = (
        [who, ("of the", None), group, ("lives in", None), where, (".", None)],
        [("the", None), group, ("sent", None), who, ("to", None), where, (".", None)],
        [who, ("took the", None), (thing, None), ("from", None), where, (".", None)],
        [("in", None), where, ("the", None), group, ("met", None), who, (".", None)],
        [who, ("works for the", None), group, (".", None)],
    )
    return draw.one(frames)


def bulletin(draw: Draw, lexicon: Lexicon) -> list[Piece]:
    """A sentence of a bulletin: the same types of names in other surroundings."""
    who, where, group = person(draw, lexicon), town(draw, lexicon), guild(draw, lexicon)
    thing = draw.one(draw.one(lexicon.things).words)
    frames: tuple[list[Piece], ...] = (
        [("wanted :", None), who, ("from", None), where, (".", None)],
        [("lost near", None), where, (": a", None), (thing, None), ("of the", None), group, (".", None)],
        [who, ("was seen with", None), person(draw, lexicon), ("near", None), where, (".", None)],
        [group, ("opens a", None), (thing, None), ("in", None), where, (".", None)],
    )
    return draw.one(frames)


def event_roles(draw: Draw, lexicon: Lexicon) -> list[Piece]:
    """An event with its roles, in the active or the passive voice."""
    event = draw_event(draw, lexicon)
    deed = draw.one(event.deed.words)
    thing = f"{draw.one(event.quality.words)} {draw.one(event.thing.words)}"
    agent, patient, place = (event.agent, "AGENT"), (thing, "PATIENT"), (event.town, "PLACE")
    frames: tuple[list[Piece], ...] = (
        [agent, (f"{deed} the", None), patient, ("in", None), place, (".", None)],
        [("in", None), place, agent, (f"{deed} a", None), patient, (".", None)],
        [("the", None), patient, (f"was {deed} by", None), agent, ("in", None), place, (".", None)],
    )
    return draw.one(frames)


def names_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the names in news."""
    return tagged(news(draw, lexicon), NAME_TYPES)


def bulletin_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the names in a bulletin."""
    return tagged(bulletin(draw, lexicon), NAME_TYPES)


def roles_row(draw: Draw, lexicon: Lexicon) -> dict[str, Any]:
    """`tokens`, `tags` of the roles in an event."""
    return tagged(event_roles(draw, lexicon), ROLE_TYPES)
