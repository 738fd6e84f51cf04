"""What a warm start saved a study: how soon it was as good as by the points that it proposed itself."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.search.trials import StudyStanding, Trial, WarmPoint


@dataclass(frozen=True)
class WarmStartGain:
    """A warm start against the points that the sampler proposed itself, in the same study.

    Attributes:
        warm: what the study began with.
        value: the best of those, in percent; None while none has a value.
        reached: points asked for until then.
        own: how many of the sampler's own points were asked for until one was as good, None where none was; `proposed`
            is how many there are. Where it learns it knew what the warm start had given.
    """

    warm: tuple[WarmPoint, ...]
    value: float | None
    reached: int
    own: int | None
    proposed: int

    @property
    def saved(self) -> int | None:
        """Points that a study without it would have needed more, at least so many where `own` is None."""
        if self.value is None:
            return None
        return (self.proposed + 1 if self.own is None else self.own) - self.reached

    @property
    def text(self) -> str:
        """One sentence."""
        tasks = ", ".join(f"{point.task} ({point.similarity:.2f})" for point in self.warm)
        began = f"began with the best points of {tasks}"
        if self.value is None or self.saved is None:
            return f"{began}; none of them has a value"
        reached = f"{began}: {self.value:.1f} after {_points(self.reached)}"
        if self.own is None:
            alone = f"none of the {self.proposed} that the sampler proposed itself was as good"
        else:
            alone = f"of those that the sampler proposed itself, number {self.own} was as good"
        least = "at least " if self.own is None else ""
        if self.saved <= 0:
            return f"{reached}; {alone}, so no saving was shown"
        return f"{reached}; {alone}, so {least}{_points(self.saved)} {'was' if self.saved == 1 else 'were'} saved"


def warm_start_gain(standing: StudyStanding) -> WarmStartGain | None:
    """Of one study; None for one that began with nothing."""
    if not standing.warm:
        return None
    first = [warm.point for warm in standing.warm]
    warm = [(place, trial) for place, trial in enumerate(standing.trials, 1) if trial.point in first]
    own = [trial for trial in standing.trials if trial.point not in first]
    value = max((value for _, trial in warm if (value := trial.value) is not None), default=None)
    if value is None:
        return WarmStartGain(standing.warm, None, 0, None, len(own))
    reached = next(place for place, trial in warm if trial.value == value)
    return WarmStartGain(standing.warm, value, reached, _first_as_good(own, value), len(own))


def _first_as_good(own: list[Trial], value: float) -> int | None:
    return next((place for place, trial in enumerate(own, 1) if trial.value is not None and trial.value >= value), None)


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"
