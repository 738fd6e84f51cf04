"""What is said about a `search:` section: the line, the name, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.search.space import all_points, count_points, drawn_points, is_whole, varied
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep

GOOD = """\
name: small
storage: runs/small
backbones: [builtin-tiny]
sources: [cb, rte]
targets: [cb]
methods: [{method: panda, label: mine, options: {clamp: true}}]
training: {epochs: 3}
tasks: {cb: {lr: 0.5}}
search:
  space:
    lr: [1e-3, 1e-2]
    batch_size: {low: 8, high: 32, step: 8}
    options.kd_weight: {low: 0.01, high: 1, log: true}
    options.kd_loss: [kl, mse_prob]
  sampler: tpe
  trials: 20
"""


def load(folder: Path, text: str, *overrides: str) -> Sweep:
    path = folder / "x.yaml"
    path.write_text(text)
    return load_sweep(str(path), overrides)


def test_a_point_is_the_sweep_with_its_values_for_the_target_alone(tmp_path: Path) -> None:
    sweep = load(tmp_path, GOOD)
    point = {"lr": 1e-2, "batch_size": 8, "options.kd_weight": 0.1, "options.kd_loss": "kl"}
    changed, method = varied(sweep, sweep.methods[0], "cb", point)
    assert (changed.training.lr, changed.training.batch_size, changed.training.epochs) == (1e-2, 8, 3)
    assert (changed.tasks["cb"].lr, changed.tasks["cb"].batch_size) == (1e-2, 8), (
        "above what the file says for the task"
    )
    assert method.options == {"clamp": True, "kd_weight": 0.1, "kd_loss": "kl"}
    assert sweep == load(tmp_path, GOOD)


def test_points_of_a_space(tmp_path: Path) -> None:
    sweep = load(tmp_path, GOOD)
    assert count_points(sweep) is None
    finite = load(tmp_path, GOOD.replace("{low: 0.01, high: 1, log: true}", "[0.1, 0.2]"))
    assert count_points(finite) == len(all_points(finite)) == 2 * 4 * 2 * 2
    assert {point["batch_size"] for point in all_points(finite)} == {8, 16, 24, 32}
    drawn = drawn_points(sweep, 50)
    assert all(0.01 <= point["options.kd_weight"] <= 1 for point in drawn)  # type: ignore[operator]
    assert {point["batch_size"] for point in drawn} == {8, 16, 24, 32}
    assert is_whole(sweep, "batch_size")
    assert not is_whole(sweep, "options.kd_weight")


@pytest.mark.parametrize(
    ("line", "replacement", "said"),
    [
        (
            "    lr: [1e-3, 1e-2]",
            "    lrr: [1e-3, 1e-2]",
            "x.yaml:11: unknown hyper-parameter 'lrr'; did you mean 'lr'?",
        ),
        ("    lr: [1e-3, 1e-2]", "    lr: [1e-3, -1]", "x.yaml:11: search.space.lr.1: must be greater than 0, not -1"),
        ("    lr: [1e-3, 1e-2]", "    lr: [1e-3]", "x.yaml:11: search.space.lr: needs at least two values"),
        ("    lr: [1e-3, 1e-2]", "    lr: [1, 1]", "x.yaml:11: search.space.lr.1: the value 1 is listed twice"),
        ("    lr: [1e-3, 1e-2]", "    lr: 5", "x.yaml:11: search.space.lr: must be a list of values, or a range with"),
        (
            "    lr: [1e-3, 1e-2]",
            "    lr: {low: 1, high: 1}",
            "x.yaml:11: search.space.lr.high: must be above `low`, and 1 is not above 1",
        ),
        (
            "    lr: [1e-3, 1e-2]",
            "    lr: {low: 0, high: 1, log: true}",
            "x.yaml:11: search.space.lr.low: must be above 0 on a logarithmic scale, not 0",
        ),
        ("    lr: [1e-3, 1e-2]", "    lr: {low: 1, hihg: 2}", "x.yaml:11: unknown key 'hihg'; did you mean 'high'?"),
        (
            "    lr: [1e-3, 1e-2]",
            "    prompt_len: [5, 10]",
            "x.yaml:11: search.space: prompt_len is that of the source prompts for panda, so it cannot be searched",
        ),
        (
            "batch_size: {low: 8, high: 32, step: 8}",
            "batch_size: {low: 8.5, high: 32}",
            "x.yaml:12: search.space.batch_size.low: must be a whole number, not 8.5",
        ),
        (
            "options.kd_loss: [kl, mse_prob]",
            "options.kd_loss: [kl, mse]",
            "x.yaml:14: search.space.options.kd_loss.1: must be 'mse_prob', 'mse_logit', 'kl' or 'ce', not 'mse'",
        ),
        ("options.kd_loss", "options.kd_los", "x.yaml:14: unknown hyper-parameter 'options.kd_los'; did you mean"),
        (
            "methods: [",
            "methods: [pot, ",
            "x.yaml:13: search.space: pot has no option 'kd_weight'; search it in a sweep without that method",
        ),
        (
            "sampler: tpe",
            "sampler: tpp",
            "x.yaml:15: search.sampler: must be 'grid', 'tpe', 'random' or 'cmaes', not 'tpp'",
        ),
        (
            "sampler: tpe",
            "sampler: grid",
            "x.yaml:16: search.trials: has no meaning with the sampler 'grid': all points are tried",
        ),
        (
            "trials: 20",
            "trials: 20\n  warm_start: similar",
            "x.yaml:17: search.warm_start: needs a metric that says which tasks are similar; list one in `metrics`",
        ),
        (
            "sampler: tpe\n  trials: 20",
            "sampler: grid\n  warm_start: similar",
            "x.yaml:16: search.warm_start: has no meaning with the sampler 'grid': all points are tried",
        ),
        ("  trials: 20", "", "x.yaml:9: search.trials: is missing: the sampler 'tpe' needs the number of points"),
        (
            "sampler: tpe\n  trials: 20",
            "sampler: grid",
            "x.yaml:13: search.space.options.kd_weight: has no `step`: a grid needs a list, or a range with one",
        ),
        (
            "{low: 0.01, high: 1, log: true}\n    options.kd_loss: [kl, mse_prob]\n  sampler: tpe",
            "[0.1, 0.2]\n  sampler: cmaes",
            "x.yaml:14: search.sampler: needs at least two ranges with 'cmaes', and the space has 1",
        ),
    ],
)
def test_problems_of_a_search(tmp_path: Path, line: str, replacement: str, said: str) -> None:
    assert line in GOOD
    with pytest.raises(InputError) as raised:
        load(tmp_path, GOOD.replace(line, replacement))
    problems = str(raised.value).replace(f"{tmp_path}/", "").splitlines()
    assert any(problem.startswith(said) for problem in problems), problems
    assert len(problems) <= 2


def test_a_method_that_trains_nothing_is_not_searched(tmp_path: Path) -> None:
    searched, _, _ = GOOD.partition("    batch_size")
    text = searched.replace("methods: [", "methods: [source_model, ") + "  sampler: grid\n"
    with pytest.raises(
        InputError, match=r"x\.yaml:11: search\.space: source_model trains nothing, so lr cannot be"
    ) as raised:
        load(tmp_path, text)
    assert len(str(raised.value).splitlines()) == 1
