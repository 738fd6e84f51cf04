"""What is said about sources that a metric is to choose: the line, the name, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep

GOOD = """\
name: small
storage: runs/small
backbones: [builtin-tiny]
sources: [review, kinds, [review, kinds]]
targets: [remark]
methods:
  - prompt_tuning
  - panda_fusion
  - {method: pot, sources: {top: 2, by: logme}}
  - {method: panda, sources: {top: 1, by: {metric: knn, options: {rows: 200}}}}
"""


def load(folder: Path, text: str) -> Sweep:
    path = folder / "x.yaml"
    path.write_text(text)
    return load_sweep(str(path), ())


def test_a_metric_is_named_alone_or_with_its_options(tmp_path: Path) -> None:
    chosen = [section.sources for section in load(tmp_path, GOOD).methods if section.sources is not None]
    assert [(each.top, each.by.metric, each.by.options) for each in chosen] == [
        (2, "logme", {}),
        (1, "knn", {"rows": 200}),
    ]


def test_a_method_that_mixes_what_is_chosen_needs_no_list(tmp_path: Path) -> None:
    text = GOOD.replace("- panda_fusion", "- {method: panda_fusion, sources: {top: 2, by: logme}}")
    sweep = load(tmp_path, text.replace("[review, kinds, [review, kinds]]", "[review, kinds]"))
    assert sweep.methods[1].sources is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("top: 2", "top: 3", "x.yaml:9: methods.2.sources.top: must be at most 2, the number of single sources, not 3"),
        ("top: 2", "top: 0", "x.yaml:9: methods.2.sources.top: must be greater than 0, not 0"),
        ("by: logme", "by: logmee", "x.yaml:9: unknown metric 'logmee'; did you mean 'logme'?"),
        ("rows: 200", "row: 200", "x.yaml:10: unknown key 'row'; did you mean 'rows'?"),
        (", by: logme", "", "x.yaml:9: the key 'methods.2.sources.by' is missing"),
        (
            "- prompt_tuning",
            "- {method: prompt_tuning, sources: {top: 1, by: logme}}",
            "x.yaml:7: methods.0.sources: prompt_tuning takes no sources, so there is nothing to choose",
        ),
        (
            "targets: [remark]",
            "targets: [remark]\nsearch: {space: {lr: [0.1, 0.2]}, sampler: grid}",
            "methods.2.sources: a search has a study for every source; choose sources in a sweep without `search`",
        ),
    ],
)
def test_what_cannot_be_chosen_is_told_in_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, GOOD.replace(old, new))
    assert any(said in line for line in str(refused.value).splitlines()), refused.value
