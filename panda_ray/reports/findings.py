"""What was found, in sentences made from the numbers: the head of the report and the last lines of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from panda_ray.metrics import METRICS
from panda_ray.reports.formatting import interval_text, number, signed
from panda_ray.reports.numbers.analysis import Analysis
from panda_ray.reports.numbers.gains import MethodGain, TransferGain
from panda_ray.reports.numbers.sources.best_sources import BestSource
from panda_ray.reports.numbers.sources.chosen_sources import mean_regret
from panda_ray.reports.numbers.statistics import Interval
from panda_ray.reports.numbers.tables import Row, top_title
from panda_ray.reports.written_report import BestRow
from panda_ray.tracking.reading.study import Study


def verdicts(analyses: Sequence[Analysis]) -> list[str]:
    """What it comes to, for every backbone with a transfer."""
    return _of_each(_verdict, analyses)


def findings(study: Study, analyses: Sequence[Analysis]) -> list[str]:
    """What was found on every backbone, then what is missing."""
    return _of_each(_findings, analyses) + _gaps(study)


def _of_each(found: Callable[[Analysis], list[str]], analyses: Sequence[Analysis]) -> list[str]:
    several = len(analyses) > 1
    return [f"{each.backbone}: {line}" if several else line for each in analyses for line in found(each)]


def _verdict(analysis: Analysis) -> list[str]:
    """One sentence: which methods help on average, and on how many targets a source does."""
    if not analysis.gains:
        return []
    said = [f"{gain.method} {_effect(gain.interval)} ({signed(gain.mean)} points)" for gain in analysis.gains]
    line = f"In short, against prompt tuning and averaged over all pairs: {', '.join(said)}"
    intervals = [best.best.interval for best in analysis.best if best.best.interval is not None]
    if intervals:
        clear = sum(interval.low > 0 for interval in intervals)
        line += f"; the best source of a target helps clearly on {clear} of {_count(len(intervals), 'target')}"
    return [f"{line}."]


def _effect(interval: Interval | None) -> str:
    if interval is None:
        return "is not known to help or harm"
    if interval.low > 0:
        return "helps"
    return "harms" if interval.high < 0 else "makes no clear difference"


def _findings(analysis: Analysis) -> list[str]:
    lines = [_gain_sentence(gain) for gain in analysis.gains]
    if analysis.over_pot is not None:
        lines.append(_over_pot_sentence(analysis.over_pot))
    lines += _chosen_sentences(analysis)
    lines += _choice_sentence(analysis)
    lines += _regret_sentence(analysis)
    lines += _similarity_sentences(analysis)
    return lines


def _gain_sentence(gain: MethodGain) -> str:
    return (
        f"{gain.method} against prompt tuning: {signed(gain.mean)} points on average over "
        f"{_count(len(gain.transfers), 'transfer')} and {_seeds(gain)}{_uncertainty(gain)}; "
        f"clearly better on {gain.better}, clearly worse on {gain.worse}, {gain.collapsed} collapsed; "
        f"from {_extreme(gain.worst)} to {_extreme(gain.best)}."
    )


def _seeds(gain: MethodGain) -> str:
    fewest, most = gain.seeds
    return _count(most, "seed") if fewest == most else f"{fewest} to {_count(most, 'seed')}"


def _extreme(transfer: TransferGain) -> str:
    interval = f" {interval_text(transfer.interval)}" if transfer.interval else ""
    return f"{signed(transfer.mean)}{interval} ({transfer.sources} → {transfer.target})"


def _uncertainty(gain: MethodGain) -> str:
    """Interval over dev items and deviation over seeds, as far as they are known."""
    parts = [f"95 % interval {interval_text(gain.interval)}" if gain.interval else "no interval: no predictions"]
    if gain.std is not None:
        parts.append(f"standard deviation over seeds {number(gain.std, 1)}")
    return f" ({', '.join(parts)})"


def _over_pot_sentence(gain: MethodGain) -> str:
    ahead = sum(transfer.mean > 0 for transfer in gain.transfers)
    return (
        f"{gain.method} against plain transfer (PoT): {signed(gain.mean)} points{_uncertainty(gain)}, "
        f"ahead on {ahead} of {_count(len(gain.transfers), 'transfer')}."
    )


def _chosen_sentences(analysis: Analysis) -> list[str]:
    """How the sources were chosen, and what that cost."""
    lines = []
    for label in dict.fromkeys(choice.method for choice in analysis.choices):
        own = [choice for choice in analysis.choices if choice.method == label]
        trained, of = sum(len(choice.sources) for choice in own), sum(choice.candidates for choice in own)
        line = f"{label} was trained on {trained} of {of} pairs, those that {own[0].metric} ranks highest"
        if (known := mean_regret(own)) is not None:
            regret, targets = known
            line += f"; the best of them scores {number(regret, 1)} % below the best of all (regret, mean over "
            line += f"{_count(targets, 'target')} whose other sources have scores, too)"
        lines.append(f"{line}.")
    return lines


def best_sentence(found: BestSource) -> str:
    """Which source to take for a target, and how sure that is."""
    best, lead, other = found.best, found.lead, found.runner_up
    gain = f"{signed(best.mean)} points over prompt tuning{_interval(best.interval)}"
    name = f"{best.sources} by {best.method}"
    if not found.helps:
        return f"{found.target}: no source helps; the best of {found.of}, {name}, gives {gain}."
    line = f"{found.target}: {name}, {gain}, the best of {_count(found.of, 'transfer')}"
    if lead is None or other is None:
        return f"{line}."
    ahead = "clearly" if lead.interval is not None and lead.interval.low > 0 else "not clearly"
    line += f", {ahead} ahead of {other.sources} by {other.method}"
    return f"{line} ({signed(lead.mean)}{_interval(lead.interval)})."


def best_rows(analyses: Sequence[Analysis]) -> list[BestRow]:
    """The table that follows the findings where a page has none of its own."""
    return [
        BestRow(
            analysis.backbone,
            each.target,
            each.best.sources,
            each.best.method,
            signed(each.best.mean),
            _interval(each.best.interval).strip(),
            "" if each.lead is None else f"{signed(each.lead.mean)}{_interval(each.lead.interval)}",
        )
        for analysis in analyses
        for each in analysis.best
    ]


def best_line(rows: Sequence[BestRow]) -> str:
    """The same as one sentence, for where there is no room for a table."""
    several = len({row.backbone for row in rows}) > 1
    named = [
        f"{row.target}{f' on {row.backbone}' if several else ''} {row.source} ({row.method} {row.gain})" for row in rows
    ]
    return f"Best source per target, by the reported scores: {'; '.join(named)}."


def _interval(interval: Interval | None) -> str:
    return f" {interval_text(interval)}" if interval else ""


def _choice_sentence(analysis: Analysis) -> list[str]:
    """What choosing the source would give: the oracle, and the top-3 of one metric that no result has a say in."""
    best = _row_gains(analysis.table.rows_of("oracle"))
    if not best:
        return []
    line = f"With the best other task per target as source (oracle) the gain is {best} points"
    ranked = [metric for metric in analysis.rankings if analysis.distinguishes(metric)]
    if ranked:
        metric = ranked[0]
        top = [row for row in analysis.table.rows_of("top3") if row.title == top_title(metric)]
        if kept := _row_gains(top):
            line += f"; with the best of the three that {metric} (the first metric listed) ranks highest, {kept}"
    return [f"{line}. Both choose on the reported scores, so they are upper bounds and have no interval."]


def _row_gains(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.method} {signed(row.gain)}" for row in rows if row.gain is not None)


def _regret_sentence(analysis: Analysis) -> list[str]:
    """What each metric's first choice costs, the best metric first."""
    known = [
        (regret, quality) for quality in analysis.qualities if (regret := quality.choosing.mean_regret(1)) is not None
    ]
    if not any(analysis.distinguishes(quality.metric) for _, quality in known):
        return []
    known.sort(key=lambda item: item[0])
    parts = [
        f"{quality.metric if analysis.distinguishes(quality.metric) else 'chance'} {number(regret, 1)} %"
        for regret, quality in known
    ]
    targets = max(len(quality.choosing.regret[1]) for _, quality in known)
    return [
        "The source that a metric ranks highest scores below the best one by (regret@1, mean over "
        f"{_count(targets, 'target')}): {', '.join(parts)}."
    ]


def _similarity_sentences(analysis: Analysis) -> list[str]:
    lines = []
    for quality in analysis.qualities:
        related, ranked = quality.relatedness, quality.first_epoch
        parts = []
        if related.within is not None and related.between is not None:
            parts.append(
                f"{number(related.within, 2)} between tasks of one type, {number(related.between, 2)} between others"
            )
        if ranked.mean is not None:
            parts.append(
                f"Spearman {number(ranked.mean, 2)} with PoT's score after the first epoch, self pairs left out (mean "
                f"over {_count(ranked.n, 'target')})"
            )
        if parts and analysis.distinguishes(quality.metric):
            lines.append(f"Similarity by {_in_words(quality.metric)}: {'; '.join(parts)}.")
    return lines


def _in_words(metric: str) -> str:
    """A metric with what it is, where it is registered here."""
    said = next((each.summary for each in METRICS if each.name == metric), None)
    return metric if said is None else f"{metric}, {said}"


def _gaps(study: Study) -> list[str]:
    lines = []
    if len(study.missing):
        lines.append(f"{len(study.missing)} of {_count(len(study.cells), 'cell')} have no result in MLflow yet.")
    if study.failures:
        failed = sum(failure.status == "failed" for failure in study.failures)
        lines.append(f"{_count(failed, 'unit')} failed, {len(study.failures) - failed} wait for a failed one.")
    lines += [f"Left out: {task} ({reason})." for task, reason in study.skipped]
    return lines


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"
