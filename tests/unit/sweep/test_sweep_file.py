"""A sweep file is answered with one sentence per problem: the place, what is wrong, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks import PAPER_SOURCES, PAPER_TARGETS

GOOD = """\
name: small
storage: runs/small
backbones: [builtin-tiny]
sources: [cb, rte]
targets: [cb]
methods:
  - prompt_tuning
  - {method: panda, label: panda-kl, options: {kd_loss: kl}}
metrics: [on, {metric: task_embedding, options: {examples: 50}}]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "x.yaml"
    path.write_text(text)
    return str(path)


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    """What is said about a file, without the folder it is in."""
    with pytest.raises(InputError) as raised:
        load_sweep(write(folder, text), overrides)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def test_short_forms_and_defaults(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, GOOD))
    assert [method.title for method in sweep.methods] == ["prompt_tuning", "panda-kl"]
    assert sweep.methods[1].options == {"kd_loss": "kl"}
    assert [metric.metric for metric in sweep.metrics] == ["on", "task_embedding"]
    assert sweep.seeds == [11]
    assert sweep.training.prompt_len == 20


def test_suites(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, GOOD), ["sources=paper", "targets=paper"])
    assert (tuple(sweep.sources), tuple(sweep.targets)) == (PAPER_SOURCES, PAPER_TARGETS)
    assert tuple(load_sweep(write(tmp_path, GOOD), ["targets=paper_sources"]).targets) == PAPER_SOURCES
    builtin = load_sweep(write(tmp_path, GOOD), ["sources=builtin", "targets=builtin"])
    assert len(builtin.sources) >= 8
    assert len(builtin.targets) >= 4


@pytest.mark.parametrize(
    ("line", "replacement", "said"),
    [
        (
            "sources: [cb, rte]",
            "soruces: [cb]\nsources: [cb]",
            "x.yaml:4: unknown key 'soruces'; did you mean 'sources'?",
        ),
        ("storage: runs/small\n", "", "x.yaml: the key 'storage' is missing"),
        ("targets: [cb]", "targets: []", "x.yaml:5: targets: must not be empty"),
        ("targets: [cb]", "targets: 7", "x.yaml:5: targets: must be a list, not 7"),
        ("targets: [cb]", "targets: [cb, 7]", "x.yaml:5: targets.1: must be text, not 7"),
        ("targets: [cb]", "targets: [cbb]", "x.yaml:5: unknown task 'cbb'; did you mean 'cb'?"),
        (
            "sources: [cb, rte]",
            "sources: [cb, 7]",
            "x.yaml:4: sources.1: must be a task or a list of at least two tasks",
        ),
        ("sources: [cb, rte]", "sources: [cb, [rte]]", "x.yaml:4: sources.1: must be a task or a list of at least two"),
        (
            "sources: [cb, rte]",
            "sources:\n- cb\n- - rte\n  - mnli\n  - rte",
            "x.yaml:8: sources.1.2: the task 'rte' is twice in one list of sources",
        ),
        ("sources: [cb, rte]", "sources:\n- cb\n- [rte, mnl]", "x.yaml:6: unknown task 'mnl'; did you mean 'mnli'?"),
        (
            "sources: [cb, rte]",
            "sources:\n- [cb, rte]\n- cb\n- [cb, rte]",
            "x.yaml:7: sources.2: the source 'cb+rte' is listed twice",
        ),
        (
            "sources: [cb, rte]",
            "sources:\n- cb\n- [cb, rte]",
            "x.yaml:6: sources.1: no listed method takes several sources; those that do: spot, "
            "task_prompt_vectors, panda_fusion, attempt, sesom",
        ),
        (
            "  - prompt_tuning",
            "  - panda_fusion",
            "x.yaml:4: sources: panda_fusion takes several sources, and no item is a list of them: [mnli, qnli]",
        ),
        (
            "sources: [cb, rte]",
            "sources: [[cb, rte]]",
            "x.yaml:4: sources: panda takes one source, and every item is a list of several",
        ),
        *(
            ("targets: [cb]\nmethods:\n  - prompt_tuning", f"{others}\n  - source_model", f"x.yaml:{said}")
            for others, said in (
                ("targets: [copa]\nmethods:", "7: methods.0: source_model has no cell for these sources and targets ("),
                ("targets: [cb]\nself_pairs: skip\nmethods:", "8: methods.0: source_model has no cell for these"),
            )
        ),
        ("targets: [cb]", "targets: papr", "x.yaml:5: unknown suite 'papr'; did you mean 'paper'?"),
        ("targets: [cb]", "targets:\n- cb\n- copa\n- cb", "x.yaml:8: targets.2: the target 'cb' is listed twice"),
        ("  - prompt_tuning", "  - prompt_tunning", "x.yaml:7: unknown method 'prompt_tunning'; did you mean"),
        ("  - prompt_tuning", "  - teacher", "x.yaml:7: unknown method 'teacher'"),
        ("  - prompt_tuning", "  - panda\n  - panda", "x.yaml:8: methods.1: the method label 'panda' is listed twice"),
        ("kd_loss: kl", "kd_los: kl", "x.yaml:8: unknown key 'kd_los'; did you mean 'kd_loss'?"),
        (
            "kd_loss: kl",
            "kd_loss: mse",
            "x.yaml:8: methods.1.options.kd_loss: must be 'mse_prob', 'mse_logit', 'kl' or",
        ),
        ("kd_loss: kl", "metric: e_vg", "x.yaml:8: unknown metric 'e_vg'; did you mean 'e_avg'?"),
        (
            "kd_loss: kl",
            "metric: {metric: task_embedding, options: {examples: 7}}",
            "x.yaml:8: methods.1.options.metric.options.examples: must be 50, 100, 200 or 300, not 7",
        ),
        (
            "kd_loss: kl",
            "metric: {metric: e_avg, options: {examples: 50}}",
            "x.yaml:8: unknown key 'examples'",
        ),
        ("kd_loss: kl", "metric: {options: {}}", "x.yaml:8: the key 'methods.1.options.metric.metric' is missing"),
        ("kd_loss: kl", "kd_weight: 1e999", "x.yaml:8: methods.1.options.kd_weight: must be a finite number, not inf"),
        ("kd_loss: kl", "clamp: maybe", "x.yaml:8: methods.1.options.clamp: must be true or false, not 'maybe'"),
        (
            "kd_loss: kl",
            "preset: official_code, kd_loss: kl",
            "x.yaml:8: methods.1.options.kd_loss: has no effect under the preset 'official_code'",
        ),
        ("kd_loss: kl", "beta: 0.5", "x.yaml:8: methods.1.options.beta: has no effect under the preset 'paper'"),
        (
            "metrics: [on, {metric: task_embedding",
            "metrics: [on, {label: e_avg, metric: task_embedding",
            "x.yaml:9: the label 'e_avg' is the name of another metric",
        ),
        ("label: panda-kl", "label: pot", "x.yaml:8: the label 'pot' is the name of another method"),
        ("label: panda-kl", "label: teacher", "x.yaml:8: the label 'teacher' is the name of another method"),
        (
            "name: small",
            "name: small\ntraining: {initialization: standard_normal, initialization_scale: 2}",
            "x.yaml:2: training.initialization_scale: has no effect with the initialization 'standard_normal'",
        ),
        ("metrics: [on,", "metrics: [onn,", "x.yaml:9: unknown metric 'onn'; did you mean 'on'?"),
        ("[builtin-tiny]", "[builtin-tin]", "x.yaml:3: unknown backbone 'builtin-tin'; did you mean 'builtin-tiny'?"),
        ("[builtin-tiny]", "[{name: own, path: nowhere}]", "x.yaml:3: no folder 'nowhere' for the backbone 'own'"),
        ("name: small", "name: a b", "x.yaml:1: name: must be made of letters"),
        ("name: small", "name: small\ndata_root: nowhere", "x.yaml:2: no folder 'nowhere' for data_root"),
        ("name: small", "name: small\nseeds: [1, true]", "x.yaml:2: seeds.1: must be a whole number, not True"),
        ("name: small", "name: small\nseeds: [3, 3]", "x.yaml:2: seeds.1: the seed 3 is listed twice"),
        ("name: small", "name: small\nself_pairs: maybe", "x.yaml:2: self_pairs: must be 'run' or 'skip', not 'maybe'"),
        (
            "name: small",
            "name: small\ntraining: {dropout: 1}",
            "x.yaml:2: training.dropout: must be less than 1, not 1",
        ),
        (
            "name: small",
            "name: small\ntraining: {lr: 1e999}",
            "x.yaml:2: training.lr: must be a finite number, not inf",
        ),
        ("name: small", "name: small\ntraining:\n  lr: fast", "x.yaml:3: training.lr: must be a number, not 'fast'"),
        ("name: small", "name: small\ntasks: {cbb: {}}", "x.yaml:2: unknown task 'cbb'; did you mean 'cb'?"),
        (
            "name: small",
            "name: small\ntasks: {cb: {epoch: 2}}",
            "x.yaml:2: unknown key 'epoch'; did you mean 'epochs'?",
        ),
        ("name: small", "name: small\ntasks: {cb: 3}", "x.yaml:2: tasks.cb: must be a section with keys, not 3"),
        (
            "name: small",
            "name: small\nresources: {max_stack: 0}",
            "x.yaml:2: resources.max_stack: must be a positive whole",
        ),
        (
            "name: small",
            "name: small\nseeds: [9223372036854775808]",
            "x.yaml:2: seeds.0: must be at most 92233720368547758",
        ),
        *(
            ("name: small", f"name: small\n{section}: {{{key}: {value}}}", f"x.yaml:2: {section}.{key}: must be {said}")
            for section, key, value, said in (
                ("training", "prompt_len", "0", "at least 1, not 0"),
                ("training", "max_len", "7", "at least 8, not 7"),
                ("training", "lr", "1e308", "at most 1e+38, not 1e+308"),
                ("training", "batch_size", "1000000000000", "at most 1000000, not 1000000000000"),
                ("training", "epochs", "1000000000", "at most 100000, not 1000000000"),
                ("training", "grad_clip", "1e308", "at most 1e+38, not 1e+308"),
                ("training", "weight_decay", "1e308", "at most 1, not 1e+308"),
                ("training", "initialization_scale", "1e308", "at most 1e+06, not 1e+308"),
                ("resources", "checkpoint_seconds", "1e999", "a finite number, not inf"),
                ("resources", "checkpoint_seconds", ".inf", "a number, not '.inf'"),
                ("resources", "checkpoint_seconds", ".nan", "a number, not '.nan'"),
                ("resources", "max_stack", "1000000000", "a positive whole number up to 100000 or 'auto'"),
                ("resources", "max_workers", "1000000000", "at most 100000"),
                ("resources", "cpus_per_stack", "1e308", "at most 100000"),
                ("resources", "gpus_per_stack", "1e308", "at most 100000"),
            )
        ),
        *(
            (
                "name: small",
                f"name: small\ntasks: {{cb: {{{key}: {value}}}}}",
                f"x.yaml:2: tasks.cb.{key}: must be at most",
            )
            for key, value in (("lr", "1e308"), ("batch_size", "1000000000000"), ("epochs", "1000000000"))
        ),
        ("name: small", "name: small\nname: other", "x.yaml:2: the key 'name' is given twice"),
        ("name: small", "name: &a small", "x.yaml:1: cannot be read: anchors and aliases are not supported"),
        ("name: small", "name: !!python/name:os.system x", "x.yaml:1: cannot be read: tags such as '!!python"),
        ("name: small", "name: small\n? [a]\n: b", "x.yaml:2: a key must be text"),
        ("name: small", "name: [small", "x.yaml:2: cannot be read: expected ',' or ']'"),
        ("name: small", "name: small\x07", "x.yaml:1: cannot be read:"),
    ],
)
def test_one_problem(tmp_path: Path, line: str, replacement: str, said: str) -> None:
    assert line in GOOD
    (sentence,) = problems(tmp_path, GOOD.replace(line, replacement, 1))
    assert sentence.startswith(said)


def test_a_label_is_no_metric_and_the_answer_says_what_to_write(tmp_path: Path) -> None:
    text = GOOD.replace("kd_loss: kl", "metric: ours").replace("{metric: task_embedding", "{label: ours, metric: on")
    (sentence,) = problems(tmp_path, text.replace(", options: {examples: 50}}", "}"))
    assert sentence.startswith("x.yaml:8: unknown metric 'ours'")
    assert "{metric: NAME, options: {...}}" in sentence


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("sources: [cb, rte]", "sources: [cbb, rtee]").replace("[on,", "[off,")
    lines = [sentence.split(":")[1] for sentence in problems(tmp_path, text, "data_root=nowhere")]
    assert lines[:3] == ["4", "4", "9"]
    assert "data_root" in lines[3] or len(lines) == 4


def test_yaml_1_2_scalars(tmp_path: Path) -> None:
    sweep = load_sweep(write(tmp_path, GOOD), ["name=no", "training.lr=5e-3", "data_root=~", "seeds=[010]"])
    assert (sweep.name, sweep.training.lr, sweep.data_root, sweep.seeds) == ("no", 5e-3, None, [10])


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_not_a_mapping(tmp_path: Path, text: str) -> None:
    (sentence,) = problems(tmp_path, text)
    assert sentence == "x.yaml: a sweep is a mapping of keys to values, beginning with `name:`"


def test_missing_file_names_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "quickstart.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no sweep file 'quickstart.yml'; did you mean 'sweeps/quickstart.yaml'\?"):
        load_sweep("quickstart.yml")
    with pytest.raises(InputError, match="sweeps is a folder"):
        load_sweep("sweeps")


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 6 is 0xff\)"):
        load_sweep(str(path))


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seeds=[1, 2]", "seeds", [1, 2]),
        ("storage=s3://bucket/runs", "storage", "s3://bucket/runs"),
        ("tasks.cb.epochs=3", "tasks.cb.epochs", 3),
        ("sources.1=copa", "sources.1", "copa"),
        ("methods.0.label=plain", "methods.0.label", "plain"),
        ("methods.1.options.kd_loss=ce", "methods.1.options.kd_loss", "ce"),
        ("metrics=[constant]", "metrics.0.metric", "constant"),
        ("tracking_uri=http://127.0.0.1:5000?a=b", "tracking_uri", "http://127.0.0.1:5000?a=b"),
    ],
)
def test_override(tmp_path: Path, override: str, path: str, value: object) -> None:
    found: object = load_sweep(write(tmp_path, GOOD), [override]).model_dump()
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]  # type: ignore[index]
    assert found == value


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seeds", "--set seeds: write --set key=value"),
        ("=3", "--set =3: write --set key=value"),
        ("a..b=3", "--set a..b=3: write --set key=value"),
        ("seed=[1]", "--set seed=[1]: unknown key 'seed'; did you mean 'seeds'?"),
        ("seeds=one", "--set seeds=one: seeds: must be a list, not 'one'"),
        ("seeds=[1", "--set seeds=[1:1: cannot be read:"),
        ("sources.9=cb", "--set sources.9=cb: sources is a list; use a position from 0 to 1, not '9'"),
        ("name.first=x", "--set name.first=x: name is 'small' and has no key 'first'"),
        ("targets=[cbb]", "--set targets=[cbb]: unknown task 'cbb'; did you mean 'cb'?"),
        ("tasks.cb.epochs=0", "--set tasks.cb.epochs=0: tasks.cb.epochs: must be greater than 0, not 0"),
    ],
)
def test_override_problem(tmp_path: Path, override: str, said: str) -> None:
    (sentence,) = problems(tmp_path, GOOD, override)
    assert sentence.startswith(said)
