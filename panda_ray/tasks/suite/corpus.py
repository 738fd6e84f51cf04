"""The pre-training text of the built-in backbone: two-part documents in the suite's language, without labels.

What a word means shows only in company: opinions beside reactions, events told twice in other words, things beside
their kind, names in news, facts beside questions and their answers, and glossaries. The second part continues the
first; every document also carries a part that does not continue it, which the model learns to notice as BERT's next-
sentence prediction does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.entities import bulletin, event_roles, guild, news, person, town
from panda_ray.tasks.suite.knowledge import deed_to_something, mention
from panda_ray.tasks.suite.lexicon import KINDS, LEXICON, Concept, Lexicon
from panda_ray.tasks.suite.matching import draw_event, question, statement
from panda_ray.tasks.suite.reading import resident_facts, travel_facts
from panda_ray.tasks.suite.sentiment import judgement, opinion, remark

SIGNS = {-1: "bad", 1: "good"}
SAID_OF = {"PERSON": "person", "TOWN": "town", "GUILD": "guild", "AGENT": "person", "PLACE": "town"}


@dataclass(frozen=True)
class Document:
    """A first part, one that continues it, and one that does not."""

    first: str
    second: str
    other: str


def _feeling(draw: Draw, lexicon: Lexicon) -> Document:
    """An opinion, and how somebody took it or somebody else put it."""
    sign = 2 * draw.below(2) - 1
    first = draw.one((opinion(draw, lexicon, sign)[0], remark(draw, lexicon, sign)))
    return Document(first, _echo(draw, lexicon, sign), _echo(draw, lexicon, -sign))


def _echo(draw: Draw, lexicon: Lexicon, sign: int) -> str:
    name = draw.one(lexicon.first_names)
    reaction = draw.one(draw.one([reaction for reaction in lexicon.reactions if reaction.value == sign]).words)
    frames = (
        f"{name} {reaction} .",
        f"{name} {reaction} .",
        f"they called it {SIGNS[sign]} .",
        f"it was {judgement(draw, lexicon, sign)[0]} .",
    )
    return draw.one(frames)


def _retelling(draw: Draw, lexicon: Lexicon) -> Document:
    """An event and the same event in other words, or a question about it."""
    event = draw_event(draw, lexicon)
    tell = draw.one((statement, statement, question))
    first = draw.one((statement, tell))(draw, event)
    return Document(first, tell(draw, event), tell(draw, draw_event(draw, lexicon)))


def _kind(draw: Draw, lexicon: Lexicon) -> Document:
    """A thing and its kind."""
    thing = draw.one(lexicon.things)
    other = draw.other(KINDS, thing.kind)
    first = mention(draw, lexicon, thing, contrasted=draw.chance(0.6))
    return Document(first, f"it was a kind of {thing.kind} .", f"it was a kind of {other} .")


def _object(draw: Draw, lexicon: Lexicon) -> Document:
    """A deed and what it was done to."""
    thing = draw.one(lexicon.things)
    other = draw.one([other for other in lexicon.things if other.kind != thing.kind])
    first = deed_to_something(draw, lexicon, thing.kind)
    return Document(first, f"it was a {draw.one(thing.words)} .", f"it was a {draw.one(other.words)} .")


def _news(draw: Draw, lexicon: Lexicon) -> Document:
    """A sentence with names, and what one of them stands for."""
    pieces = draw.one((news, bulletin, event_roles))(draw, lexicon)
    text, kind = draw.one([(text, SAID_OF[kind]) for text, kind in pieces if kind in SAID_OF])
    return _naming(draw, " ".join(piece for piece, _ in pieces), text, kind)


def _directory(draw: Draw, lexicon: Lexicon) -> Document:
    """What a name stands for, without a story."""
    text, kind = draw.one((person(draw, lexicon), town(draw, lexicon), guild(draw, lexicon)))
    return _naming(draw, f"we know {text} .", text, SAID_OF[kind or ""])


def _naming(draw: Draw, first: str, text: str, kind: str) -> Document:
    other = draw.other(("person", "town", "guild"), kind)
    return Document(first, f"{text} is a {kind} .", f"{text} is a {other} .")


def _glossary(draw: Draw, lexicon: Lexicon) -> Document:
    """Words of one kind side by side, and what they have in common; or two words for one concept."""
    form = draw.below(4)
    kind = draw.one(KINDS)
    wrong = draw.other(KINDS, kind)
    if form == 0:
        things = [thing for thing in lexicon.things if thing.kind == kind]
        return Document(_listed(draw, things), f"each is a kind of {kind} .", f"each is a kind of {wrong} .")
    if form == 1:
        sign = 2 * draw.below(2) - 1
        qualities = [quality for quality in lexicon.qualities if quality.value * sign > 0]
        return Document(
            _listed(draw, qualities), f"all of them are {SIGNS[sign]} .", f"all of them are {SIGNS[-sign]} ."
        )
    if form == 2:
        deeds = [deed for deed in lexicon.deeds if deed.patient == kind]
        return Document(_listed(draw, deeds), f"said of a kind of {kind} .", f"said of a kind of {wrong} .")
    concepts: Sequence[Sequence[Concept]] = (lexicon.qualities, lexicon.things, lexicon.deeds, lexicon.reactions)
    concept, other = draw.several(draw.one(concepts), 2)
    first, second = draw.shuffled(concept.words)
    return Document(
        f"{first} is another word for {second} .", f"{second} means {first} .", f"{second} means {other.words[0]} ."
    )


def _listed(draw: Draw, concepts: Sequence[Concept]) -> str:
    words = [draw.one(concept.words) for concept in draw.several(concepts, 3)]
    return f"{words[0]} , {words[1]} and {words[2]} ."


def _answer(draw: Draw, lexicon: Lexicon) -> Document:
    """Two facts, and a question about one of them with its answer."""
    facts = draw.one((resident_facts, travel_facts))(draw, lexicon)[:2]
    (_, asked, answer), (_, _, wrong) = draw.shuffled(facts)
    return Document(" ".join(text for text, _, _ in facts), f"{asked} {answer} .", f"{asked} {wrong} .")


SORTS: tuple[tuple[Callable[[Draw, Lexicon], Document], float], ...] = (
    (_glossary, 0.15),
    (_feeling, 0.26),
    (_retelling, 0.25),
    (_kind, 0.09),
    (_object, 0.05),
    (_news, 0.07),
    (_directory, 0.02),
    (_answer, 0.11),
)
"""Sorts of documents and their shares of the text."""


def documents(name: str, count: int) -> list[Document]:
    """About `count` documents in random order; `name` seeds them."""
    draw = Draw(f"corpus {name}")
    return draw.shuffled([make(draw, LEXICON) for make, share in SORTS for _ in range(round(count * share))])
