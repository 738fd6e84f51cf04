"""What a search has tried so far: a driver writes it to MLflow, a file per backbone, and reports read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import ValidationError

from panda_ray.search.trials import Address, StudyStanding, Trial, WarmPoint
from panda_ray.sweep.search_section import SearchSection


@dataclass(frozen=True)
class SearchedStudy:
    """One study.

    Attributes:
        importances: how much of the differences between values each name of the space explains, in sum 1; empty where
            too little was tried to say.
    """

    standing: StudyStanding
    importances: Mapping[str, float]


@dataclass(frozen=True)
class Searched:
    """A search.

    Attributes:
        section: what was searched, and how; where its studies are kept is private and not in it.
    """

    section: SearchSection
    studies: tuple[SearchedStudy, ...]

    def of(self, backbone: str) -> Searched:
        """The part of one backbone."""
        own = (study for study in self.studies if study.standing.address.backbone == backbone)
        return replace(self, studies=tuple(own))

    def to_json(self, backbone: str) -> bytes:
        """The part of one backbone."""
        said = {
            "search": self.section.model_dump(mode="json", exclude={"storage"}),
            "studies": [_described(study) for study in self.of(backbone).studies],
        }
        return json.dumps(said).encode()

    @classmethod
    def from_json(cls, data: bytes, backbone: str) -> Searched:
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else, or half of it.
        """
        try:
            said = json.loads(data)
            studies = tuple(_study(study, backbone) for study in said["studies"])
            return cls(SearchSection.model_validate(said["search"]), studies)
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise ValueError(f"no search of a sweep: {error!r}") from error


def joined(parts: Sequence[Searched]) -> Searched | None:
    """The parts of several backbones as one; None where there is none."""
    if not parts:
        return None
    return Searched(parts[0].section, tuple(study for part in parts for study in part.studies))


def _described(study: SearchedStudy) -> dict[str, Any]:
    standing = study.standing
    _, method, sources, target = standing.address
    return {
        "method": method,
        "sources": list(sources),
        "target": target,
        "wanted": standing.wanted,
        "ended": standing.ended,
        "warm": [asdict(point) for point in standing.warm],
        "importances": dict(study.importances),
        "trials": [
            {
                "number": trial.number,
                "point": dict(trial.point),
                "state": trial.state,
                "value": trial.value,
                "error": trial.error,
            }
            for trial in standing.trials
        ],
    }


def _study(said: Mapping[str, Any], backbone: str) -> SearchedStudy:
    address = Address(backbone, said["method"], tuple(said["sources"]), said["target"])
    trials = tuple(
        Trial(
            number=trial["number"],
            point=trial["point"],
            state=trial["state"],
            value=trial["value"],
            error=trial["error"],
        )
        for trial in said["trials"]
    )
    warm = tuple(WarmPoint(**point) for point in said["warm"])
    standing = StudyStanding(address, trials, said["wanted"], said["ended"], warm)
    return SearchedStudy(standing, said["importances"])
