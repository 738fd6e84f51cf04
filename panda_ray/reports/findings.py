"""What was found, in sentences made from the numbers: the head of the report and the last lines of a run."""

from __future__ import annotations

from collections.abc import Sequence

from panda_ray.reports.analysis import Analysis
from panda_ray.reports.formatting import interval_text, number, signed
from panda_ray.reports.gains import MethodGain
from panda_ray.reports.tables import Row
from panda_ray.tracking.study import Study


def headline(study: Study, analyses: Sequence[Analysis]) -> list[str]:
    """The findings of every backbone, then what is missing."""
    lines = []
    for analysis in analyses:
        prefix = f"{analysis.backbone}: " if len(analyses) > 1 else ""
        lines += [prefix + line for line in _findings(analysis)]
    return lines + _gaps(study)


def _findings(analysis: Analysis) -> list[str]:
    lines = [_gain_sentence(gain) for gain in analysis.gains]
    if analysis.over_pot is not None:
        lines.append(_over_pot_sentence(analysis.over_pot))
    lines += _oracle_sentence(analysis)
    lines += _similarity_sentences(analysis)
    return lines


def _gain_sentence(gain: MethodGain) -> str:
    pairs = len(gain.pairs)
    return (
        f"{gain.method} against prompt tuning: {signed(gain.mean)} points on average over {_count(pairs, 'pair')} and "
        f"{_count(gain.seeds, 'seed')}{_uncertainty(gain)}; "
        f"clearly better on {gain.better}, clearly worse on {gain.worse}; "
        f"from {signed(gain.worst.mean)} ({_pair(gain.worst.source, gain.worst.target)}) "
        f"to {signed(gain.best.mean)} ({_pair(gain.best.source, gain.best.target)})."
    )


def _uncertainty(gain: MethodGain) -> str:
    """Interval over dev items and deviation over seeds, as far as they are known."""
    parts = []
    if gain.interval is not None:
        parts.append(f"95 % interval {interval_text(gain.interval)}")
    if gain.std is not None:
        parts.append(f"standard deviation over seeds {number(gain.std, 1)}")
    return f" ({', '.join(parts)})" if parts else ""


def _over_pot_sentence(gain: MethodGain) -> str:
    ahead = sum(pair.mean > 0 for pair in gain.pairs)
    return (
        f"{gain.method} against plain transfer (PoT): {signed(gain.mean)} points{_uncertainty(gain)}, "
        f"ahead on {ahead} of {_count(len(gain.pairs), 'pair')}."
    )


def _oracle_sentence(analysis: Analysis) -> list[str]:
    best = [f"{row.method} {signed(row.gain)}" for row in analysis.table.rows_of("oracle") if row.gain is not None]
    chosen = [row for row in analysis.table.rows_of("top3") if row.gain is not None]
    lines = [f"With the best source per target (oracle) the gain is {', '.join(best)} points."] if best else []
    if best and chosen:
        row: Row = max(chosen, key=lambda row: row.gain or 0.0)
        lines[0] = lines[0][:-1] + f"; the {row.title} keeps {signed(row.gain)} for {row.method}."
    return lines


def _similarity_sentences(analysis: Analysis) -> list[str]:
    lines = []
    for quality in analysis.qualities:
        related, ranked = quality.relatedness, quality.first_epoch
        parts = []
        if related.within is not None and related.between is not None:
            parts.append(f"{number(related.within, 2)} within groups, {number(related.between, 2)} between them")
        if ranked.mean is not None:
            parts.append(
                f"Spearman {number(ranked.mean, 2)} with PoT's score after the first epoch (mean over "
                f"{_count(ranked.n, 'target')})"
            )
        if parts and quality.relatedness.within != quality.relatedness.between:
            lines.append(f"Similarity by {quality.metric}: {'; '.join(parts)}.")
    return lines


def _gaps(study: Study) -> list[str]:
    lines = []
    if len(study.missing):
        lines.append(f"{len(study.missing)} of {_count(len(study.cells), 'cell')} have no result yet.")
    if study.failures:
        failed = sum(failure.status == "failed" for failure in study.failures)
        lines.append(f"{_count(failed, 'unit')} failed, {len(study.failures) - failed} wait for a failed one.")
    lines += [f"Left out: {task} ({reason})." for task, reason in study.skipped]
    return lines


def _pair(source: str, target: str) -> str:
    return f"{source} → {target}"


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"
