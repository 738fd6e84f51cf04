"""The lexicon of the built-in suite: invented content words with latent attributes.

Function words are English, content words are invented, so that what a word means can only be learned from how it is
used. Every word belongs to a concept; concepts carry the attributes (polarity and strength, kind of thing, who can do
it) that the tasks ask for and that the pre-training text reveals only through co-occurrence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from panda_ray.tasks.suite.draw import Draw

ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sk",
    "t",
    "tr",
    "v",
    "w",
    "z",
)
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("", "", "", "l", "m", "n", "r", "sh", "x")
ENGLISH = frozenset(
    ("mama", "papa", "media", "polar", "solar", "robin", "baron", "melon", "salon", "panel", "total", "moral", "vital")
)
"""Invented forms that happen to be English are passed over."""

KINDS = ("animal", "food", "tool", "building", "garment")


@dataclass(frozen=True)
class Concept:
    """One meaning and the interchangeable words for it."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Quality(Concept):
    """Meaning of an adjective: polarity times strength, one of -2, -1, 1, 2."""

    value: int


@dataclass(frozen=True)
class Thing(Concept):
    """Meaning of a noun."""

    kind: str


@dataclass(frozen=True)
class Deed(Concept):
    """Meaning of a transitive verb in the past tense, and the kind of thing it is done to."""

    patient: str


@dataclass(frozen=True)
class Reaction(Concept):
    """Meaning of an intransitive verb that shows a feeling; polarity -1 or 1."""

    value: int


@dataclass(frozen=True)
class Lexicon:
    """All content words."""

    qualities: tuple[Quality, ...]
    things: tuple[Thing, ...]
    deeds: tuple[Deed, ...]
    reactions: tuple[Reaction, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    towns: tuple[str, ...]
    guilds: tuple[str, ...]

    def half(self, part: int) -> Lexicon:
        """Every second concept and name, from 0 or 1: disjoint vocabularies for training and dev rows."""
        halves = {field.name: getattr(self, field.name)[part::2] for field in fields(self)}
        return Lexicon(**halves)

    def dealt_anew(self, name: str) -> Lexicon:
        """The same words in another order, so that its halves are others; `name` seeds it.

        Concepts of one attribute stay together, so that each half has some of all.
        """
        draw = Draw(f"deal {name}")
        return Lexicon(
            qualities=tuple(sorted(draw.shuffled(self.qualities), key=lambda quality: quality.value)),
            things=tuple(sorted(draw.shuffled(self.things), key=lambda thing: KINDS.index(thing.kind))),
            deeds=tuple(sorted(draw.shuffled(self.deeds), key=lambda deed: KINDS.index(deed.patient))),
            reactions=tuple(sorted(draw.shuffled(self.reactions), key=lambda reaction: reaction.value)),
            first_names=tuple(draw.shuffled(self.first_names)),
            last_names=tuple(draw.shuffled(self.last_names)),
            towns=tuple(draw.shuffled(self.towns)),
            guilds=tuple(draw.shuffled(self.guilds)),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """Every content word once, in a fixed order."""
        concepts = (*self.qualities, *self.things, *self.deeds, *self.reactions)
        names = (*self.first_names, *self.last_names, *self.towns, *self.guilds)
        return (*(word for concept in concepts for word in concept.words), *names)


class _Words:
    """A stream of different invented words of two or three syllables."""

    def __init__(self, seed: str) -> None:
        self._draw = Draw(seed)
        self._made: set[str] = set(ENGLISH)

    def take(self, count: int) -> tuple[str, ...]:
        """The next `count` words."""
        return tuple(self._next() for _ in range(count))

    def _next(self) -> str:
        while True:
            syllables = 2 + self._draw.chance(0.25)
            stem = "".join(self._draw.one(ONSETS) + self._draw.one(VOWELS) for _ in range(syllables))
            word = stem + self._draw.one(CODAS)
            if word not in self._made:
                self._made.add(word)
                return word


def _make_lexicon() -> Lexicon:
    words = _Words("lexicon 1")
    return Lexicon(
        qualities=tuple(Quality(words.take(2), value) for value in (-2, -1, 1, 2) for _ in range(8)),
        things=tuple(Thing(words.take(2), kind) for kind in KINDS for _ in range(8)),
        deeds=tuple(Deed(words.take(2), kind) for kind in KINDS for _ in range(4)),
        reactions=tuple(Reaction(words.take(2), value) for value in (-1, 1) for _ in range(4)),
        first_names=words.take(24),
        last_names=words.take(20),
        towns=words.take(24),
        guilds=words.take(16),
    )


LEXICON = _make_lexicon()
