"""The pre-training text of the built-in backbone: two-part documents in the suite's language, without labels.

What a word means shows only in company: opinions beside reactions, events told twice in other words, things beside
their kind, names in news, facts beside questions and their answers. The second part continues the first; half of the
time the pre-training script exchanges it for the second part of another document of the same sort, which the model
has to notice.
"""

from __future__ import annotations

from collections.abc import Callable

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.knowledge import mention
from panda_ray.tasks.suite.lexicon import LEXICON, Lexicon
from panda_ray.tasks.suite.matching import draw_event, question, statement
from panda_ray.tasks.suite.reading import resident_facts, trade_facts
from panda_ray.tasks.suite.sentiment import judgement, opinion, remark
from panda_ray.tasks.suite.tagging import bulletin, event_roles, guild, news, person, town

Document = tuple[str, str]


def _feeling(draw: Draw, lexicon: Lexicon) -> Document:
    """An opinion, and how somebody took it or somebody else put it."""
    sign = 2 * draw.below(2) - 1
    first = (opinion(draw, lexicon, sign)[0], remark(draw, lexicon, sign))[draw.below(2)]
    if draw.chance(0.3):
        return first, f"it was {judgement(draw, lexicon, sign)[0]} ."
    reaction = draw.one([reaction for reaction in lexicon.reactions if reaction.value == sign])
    return first, f"{draw.one(lexicon.first_names)} {draw.one(reaction.words)} ."


def _retelling(draw: Draw, lexicon: Lexicon) -> Document:
    """An event and the same event in other words, or a question about it."""
    event = draw_event(draw, lexicon)
    tell = (statement, question)
    return draw.one(tell)(draw, event), draw.one(tell)(draw, event)


def _kind(draw: Draw, lexicon: Lexicon) -> Document:
    """A thing and its kind."""
    thing = draw.one(lexicon.things)
    return mention(draw, lexicon, thing), f"it was a kind of {thing.kind} ."


def _object(draw: Draw, lexicon: Lexicon) -> Document:
    """A deed and what it was done to."""
    deed = draw.one(lexicon.deeds)
    thing = draw.one([thing for thing in lexicon.things if thing.kind == deed.patient])
    word = draw.one(deed.words)
    name = draw.one(lexicon.first_names)
    first = (f"{name} {word} something in {draw.one(lexicon.towns)} .", f"something was {word} by {name} .")
    return draw.one(first), f"it was a {draw.one(thing.words)} ."


def _news(draw: Draw, lexicon: Lexicon) -> Document:
    """A sentence with names, and one that calls them person, town and guild."""
    frames = (news, bulletin, event_roles)
    pieces = draw.one(frames)(draw, lexicon)
    names = [(text, kind) for text, kind in pieces if kind in SAID_OF]
    text, kind = draw.one(names)
    return " ".join(piece for piece, _ in pieces), f"{text} is a {SAID_OF[kind or '']} ."


SAID_OF = {"PERSON": "person", "TOWN": "town", "GUILD": "guild", "AGENT": "person", "PLACE": "town"}


def _directory(draw: Draw, lexicon: Lexicon) -> Document:
    """What a name stands for, without a story."""
    pieces = (person(draw, lexicon), town(draw, lexicon), guild(draw, lexicon))
    text, kind = draw.one(pieces)
    return f"we know {text} .", f"{text} is a {SAID_OF[kind or '']} ."


def _answer(draw: Draw, lexicon: Lexicon) -> Document:
    """Two facts, and a question about one of them with its answer."""
    facts = draw.one((resident_facts, trade_facts))(draw, lexicon)[:2]
    _, asked, answer = draw.one(facts)
    return " ".join(text for text, _, _ in facts), f"{asked} {answer} ."


SORTS: tuple[tuple[Callable[[Draw, Lexicon], Document], float], ...] = (
    (_feeling, 0.26),
    (_retelling, 0.24),
    (_kind, 0.1),
    (_object, 0.08),
    (_news, 0.12),
    (_directory, 0.04),
    (_answer, 0.16),
)
"""Sorts of documents and their shares of the text."""


def documents(name: str, count: int) -> list[list[Document]]:
    """About `count` documents, listed by sort; `name` seeds them."""
    draw = Draw(f"corpus {name}")
    return [[make(draw, LEXICON) for _ in range(round(count * share))] for make, share in SORTS]
