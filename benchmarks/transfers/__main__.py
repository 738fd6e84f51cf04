"""`python -m benchmarks.transfers SWEEP`: claims of the paper with intervals, from the MLflow of a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.choosing.over_seeds import Mean
from benchmarks.transfers.transfer_claims import Claim, FinishedSeeds, claims, counts
from panda_ray.reports.formatting import interval_text, signed
from panda_ray.sweep_file import load_sweep
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.uri import tracking_uri_of

_HEAD = (
    "first",
    "less",
    "where",
    "pairs",
    "difference",
    "over dev items",
    "over seeds",
    "by seed",
    "claimed",
    "verdict",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", help="a sweep file, or a shipped sweep by name, on one backbone")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of `panda-ray run`")
    options = parser.parse_args(arguments)
    sweep = load_sweep(options.sweep, options.set)
    finished = FinishedSeeds(read_study(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep.name))
    print(f"seeds that are whole: {', '.join(str(seed) for seed in finished.seeds)}\n")
    print(f"| {' | '.join(_HEAD)} |\n| --- | --- | --- |{' ---: |' * 5} --- | --- |")
    for claim in claims(finished):
        print(_line(claim))
    print()
    for sentence in counts(finished):
        print(sentence)


def _line(claim: Claim) -> str:
    found = claim.found
    cells = (
        claim.first,
        claim.second,
        claim.where,
        str(claim.pairs),
        signed(found.mean),
        interval_text(found.items) if found.items else "",
        _over_seeds(found.seeds),
        " ".join(signed(value) for value in found.by_seed.values()),
        {1: "above", -1: "below"}.get(claim.sign, ""),
        found.verdict(claim.sign) if claim.sign else "",
    )
    return f"| {' | '.join(cells)} |"


def _over_seeds(mean: Mean) -> str:
    return "" if mean.low == mean.high else f"[{signed(mean.low)}, {signed(mean.high)}]"


if __name__ == "__main__":
    main()
