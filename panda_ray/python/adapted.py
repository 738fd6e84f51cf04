"""From rows of one's own to a prompt that labels more of them, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from panda_ray.cli.wording.adapted_words import describe_held_out
from panda_ray.errors import InputError
from panda_ray.python.loaded_prompt import Prompt
from panda_ray.python.opened_sweep import Sweep
from panda_ray.python.shown import Finished, details, paragraphs
from panda_ray.tasks.kinds.own.own_columns import KindName
from panda_ray.usecases.exporting.held_out import held_out
from panda_ray.usecases.starting.adapt import PROMPT, rows_of_folder, sweep_of_folder
from panda_ray.usecases.starting.describe import describe, said


@dataclass(frozen=True)
class Adapted:
    """A finished adaptation.

    Attributes:
        inferred: what was inferred of the rows, a line per key.
        file: the sweep file, which may be edited; the same call runs it again.
        sweep: that was run.
        ended: how.
        found: the best prompt, its score, and how far to trust it; nothing where the run did not come to its end.
    """

    inferred: Sequence[str]
    file: Path
    sweep: Sweep
    ended: Finished
    found: Sequence[str]
    _target: str

    @property
    def prompt(self) -> Prompt:
        """The best prompt, beside the sweep file as an adapter with a card.

        Raises:
            InputError: the run did not come to its end.
        """
        folder = self.file.parent / PROMPT
        if not self.ended.complete:
            raise InputError(f"not all of {self.file} is done; call adapt again, or see `ended` for what failed")
        return self.sweep.export(self._target, folder)

    def __repr__(self) -> str:
        return "\n".join([*self.inferred, repr(self.ended), *self.found])

    def _repr_html_(self) -> str:
        inferred = details("What was inferred of the rows", paragraphs(self.inferred))
        if not self.found:
            return f"{inferred}{self.ended._repr_html_()}"
        return f"{paragraphs(self.found)}{inferred}{details('What the run found', self.ended._repr_html_())}"


def adapt(
    data: str | Path,
    *,
    text: Sequence[str] = (),
    pair: Sequence[str] = (),
    label: str | None = None,
    kind: KindName | None = None,
    backbone: str = "builtin-tiny",
    out: str | Path | None = None,
    runner: str = "inline",
) -> Adapted:
    """Train on rows of one's own, from nothing and from the sources that suit them, as `panda-ray adapt` does.

    Args:
        data: CSV, TSV, JSON lines, Parquet or CoNLL, a folder of such files, or a data set of the Hub.
        text, pair, label, kind: columns, and what is asked of a row; inferred unless given.
        backbone: its name, or the folder of a model.
        out: folder of sweep file, results and prompt; named after the data unless given.
        runner: as of `Sweep.run`.

    Raises:
        InputError: the rows cannot be learnt, or the folder holds something else.
    """
    found = describe(rows_of_folder(str(data), None if out is None else Path(out)), said(text, pair, label, kind))
    file, section = sweep_of_folder(found, backbone, Path(out or found.name))
    sweep = Sweep(section)
    ended = sweep.run(runner)
    best = describe_held_out(held_out(section, found.name)) if ended.complete else []
    return Adapted(found.lines, file, sweep, ended, best, found.name)
