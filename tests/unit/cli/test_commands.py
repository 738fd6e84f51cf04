"""Commands that need no training: lists, plan, status, data, schema; and what a mistake of the user's looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.main import get_command

import panda_ray.usecases.data
from panda_ray.backbones import BACKBONES
from panda_ray.cli.app import app
from panda_ray.execution.store.store import Store
from panda_ray.metrics import METRICS
from panda_ray.tasks import TASKS, TaskSpec, get_task
from panda_ray.tracking.server.client import connect
from panda_ray.usecases.serving.ui import make_server
from support.processes.command_line import CommandLine, Ended, finish, start

ROOT = Path(__file__).parents[3]

SWEEP = """\
name: tiny
storage: store
backbones: [builtin-tiny]
sources: [review, rating, conll03]
targets: [remark, duplicate]
methods: [prompt_tuning, pot]
metrics: [constant]
"""
TUNED = """\
format: 1
chosen:
  - backbone: builtin-tiny
    method: pot
    sources: [review]
    task: remark
    training: {lr: 7e-3, epochs: 9, dropout: 0.3}
  - {backbone: builtin-tiny, method: panda, task: remark, training: {lr: 7e-3}}
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Command lines in a folder that holds a sweep file and an empty data folder."""
    (tmp_path / "x.yaml").write_text(SWEEP)
    (tmp_path / "data").mkdir()
    return CommandLine(tmp_path, monkeypatch)


def test_help_imports_nothing_heavy() -> None:
    """What the start of the command line costs: a time would depend on the machine."""
    heavy = {"torch", "transformers", "ray", "mlflow", "optuna", "numpy", "pandas", "pydantic", "matplotlib"}
    heavy |= {"yaml", "jinja2", "requests", "fsspec", "sqlalchemy", "huggingface_hub", "datasets", "boto3"}
    code = f"import sys, panda_ray.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def command_names(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, and of every group of such."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from command_names(command, (*path, name))


def test_no_help_shows_a_default_that_only_python_understands(cli: CommandLine) -> None:
    every = list(command_names(get_command(app)))
    assert ("prompts", "pull") in every
    shown = {path: cli(*path, "--help").out for path in every}
    assert all("Usage" in text for text in shown.values())
    assert not [path for path, text in shown.items() if "<class" in text or "<function" in text or "factory" in text]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("tasks", [task.name for task in TASKS]),
        (
            "methods",
            [
                *("prompt_tuning", "pot", "spot", "task_prompt_vectors", "panda", "panda_fusion", "attempt", "sesom"),
                *("lester", "prefix_mlp", "houlsby", "model_tuning", "source_model"),
            ],
        ),
        ("metrics", [metric.name for metric in METRICS]),
        ("backbones", [spec.name for spec in BACKBONES]),
    ],
)
def test_lists(cli: CommandLine, command: str, names: list[str]) -> None:
    ended = cli(command)
    assert ended.code == 0
    found = [line.split()[0] for line in ended.out.splitlines() if not line.startswith(" ")]
    assert found[1:] == names


def test_schema_and_version(cli: CommandLine) -> None:
    assert cli("schema") == Ended(0, (ROOT / "sweeps" / "schema.json").read_text(), "")
    assert cli("--version").out.startswith("panda-ray ")


def test_plan_as_json(cli: CommandLine) -> None:
    ended = cli("plan", "x.yaml", "--set", "data_root=data", "--json")
    plan = ended.json
    assert (ended.code, ended.err) == (0, "")
    assert (plan["sweep"], plan["cells"]) == ("tiny", 2 + 2 * 2)
    assert plan["units"] == {"total": 8, "done": 0, "to_run": 8, "blocked": 0}
    pot = plan["by_stage"]["pot"]
    assert {count: pot[count] for count in plan["units"]} == {"total": 4, "done": 0, "to_run": 4, "blocked": 0}
    assert plan["stacks"] > 0
    assert [skipped["task"] for skipped in plan["skipped"]] == ["conll03"]
    assert Path(plan["storage"]).name == "store"


def test_plan_says_what_the_work_will_take_and_cost(cli: CommandLine) -> None:
    plan = cli("plan", "x.yaml", "--set", "data_root=data", "--set", "prices.cpu_hour=36", "--json").json
    estimate, stages = plan["estimate"], plan["by_stage"].values()
    assert estimate["seconds"] == pytest.approx(sum(stage["seconds"] for stage in stages), abs=0.5)
    assert (estimate["device"], estimate["hours_of"]) == ("CPU with 1 thread (fp32)", "CPU")
    assert estimate["hours"] == pytest.approx(estimate["seconds"] / 3600, abs=1e-4)
    assert estimate["price"] == pytest.approx(36 * estimate["hours"], abs=0.02)
    assert estimate["shares"] == {"assumed": 1.0}
    said = cli("plan", "x.yaml", "--set", "data_root=data", "--set", "prices={currency: EUR, cpu_hour: 36}").out
    assert "CPU-hours on CPU with 1 thread (fp32), " in said
    assert f"{estimate['price']:.2f} EUR" in said
    assert "of that time 100 % assumed, because nothing was measured there" in said


def test_a_plan_for_gpus_is_priced_in_their_hours(cli: CommandLine) -> None:
    changes = ("--set", "data_root=data", "--set", "resources.gpus_per_stack=0.25", "--set", "prices.gpu_hour=4")
    estimate = cli("plan", "x.yaml", *changes, "--json").json["estimate"]
    assert (estimate["device"], estimate["hours_of"]) == ("GPU (fp32)", "GPU")
    assert estimate["hours"] == pytest.approx(estimate["seconds"] * 0.25 / 3600, abs=1e-4)
    assert estimate["price"] == pytest.approx(4 * estimate["hours"], abs=0.01)


@pytest.mark.parametrize("device", ["cpus", "gpus"])
def test_a_plan_says_that_this_machine_has_no_room_for_a_stack(cli: CommandLine, device: str) -> None:
    arguments = ("plan", "x.yaml", "--set", "data_root=data")
    said = " ".join(cli(*arguments, "--set", f"resources.{device}_per_stack=9000").err.split())
    assert f"9000 {device.upper()[:-1]}s" in said
    assert "but this machine has" in said
    assert "it needs a cluster: panda-ray submit, or run --address" in said
    assert "this machine" not in cli(*arguments).err


def test_prices_enter_no_key(cli: CommandLine) -> None:
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.sweep_file import load_sweep

    plans = [
        build_plan(load_sweep("x.yaml", ["data_root=data", *prices]), Store("store"))
        for prices in ([], ["prices={gpu_hour: 3.5}"])
    ]
    assert plans[0].units.keys() == plans[1].units.keys()


def test_plan_says_where_hyperparameters_come_from_and_what_the_tuned_file_lacks(
    cli: CommandLine, tmp_path: Path
) -> None:
    plain = cli("plan", "x.yaml", "--set", "data_root=data")
    assert "hyper-parameters: the tasks' own (Table I for those of the paper)\n" in plain.out
    assert "trained by" not in plain.out
    (tmp_path / "tuned.yaml").write_text(TUNED)
    changes = ("hyperparameters=tuned.yaml", "training={prompt_len: 8}", "tasks.remark.epochs=2", "data_root=data")
    arguments = ("plan", "x.yaml", *(word for change in changes for word in ("--set", change)))
    lines = [" ".join(line.split()) for line in cli(*arguments).out.splitlines()]
    assert "duplicate all 0.06 8 4 linear" in lines
    assert "remark prompt_tuning, pot 0.06 8 2 (tasks) linear" in lines
    assert "remark pot from review 0.007 (tuned) 8 2 (tasks) linear dropout 0.3 (tuned)" in lines
    for said in (
        "hyper-parameters: unmarked ones are the tasks' own (Table I for those of the paper); tuned: the tuned file; "
        "training: `training` of the sweep file; tasks: `tasks` of the sweep file",
        "for all of them: prompt_len 8 (training)",
        "the tuned file has nothing for prompt_tuning on builtin-tiny: review, rating, remark, duplicate",
        "the tuned file has nothing for pot on builtin-tiny: remark (from other sources), duplicate",
        "the tuned file has 1 cell that this sweep has not",
    ):
        assert said in lines
    planned = cli(*arguments, "--json").json
    (tuned,) = [entry for entry in planned["hyperparameters"] if entry["tuned"]]
    assert (tuned["backbone"], tuned["method"], tuned["sources"]) == ("builtin-tiny", "pot", ["review"])
    assert tuned["values"]["lr"] == {"value": 0.007, "from": "tuned"}
    assert tuned["values"]["epochs"] == {"value": 2, "from": "tasks"}
    assert planned["unused_choices"] == 1


def test_plan_says_which_stacks_memory_keeps_narrow(cli: CommandLine, tmp_path: Path) -> None:
    from panda_ray.execution.planning.footprints import footprint_of
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.sweep_file import load_sweep

    store = Store(str(tmp_path / "store"))
    stacks = build_plan(load_sweep("x.yaml", ["data_root=data"]), store).stacks
    wide = next(stack for stack in stacks if stack.members[0].task == "remark" and len(stack.members) == 2)
    footprint = footprint_of(wide)
    assert footprint is not None
    store.limits.write(footprint, 2, False, "NVIDIA T4")
    said = "builtin-tiny -> remark x1 at the most (not tried yet), because x2 did not fit into the memory of NVIDIA T4"
    planned = cli("plan", "x.yaml", "--set", "data_root=data", "--json").json
    assert planned["narrowed"] == [said]
    assert planned["stacks"] == len(stacks) + 1
    assert f"narrower stacks: {said}" in cli("plan", "x.yaml", "--set", "data_root=data").out


def test_plan_says_what_memory_stacks_take_and_how_many_members_fit(cli: CommandLine) -> None:
    arguments = ("plan", "x.yaml", "--set", "data_root=data", "--set", "resources.gpu_memory_gib=0.05")
    lines = [line for line in cli(*arguments).out.splitlines() if line.startswith("memory: ")]
    stages = {entry["stage"]: entry for entry in cli(*arguments, "--json").json["memory"]}
    said = [
        stage for line in lines for stage in line.split(" -> ")[0].removeprefix("memory: builtin-tiny ").split(", ")
    ]
    assert sorted(said) == sorted(stages), "each in one line"
    assert stages["pot"]["bytes"] == pytest.approx(sum(stages["pot"]["parts"].values()), abs=2)
    [pot] = [line for line in lines if " pot" in line]
    assert f" -> {stages['pot']['task']} x{stages['pot']['members']} about " in pot
    assert f"; x{stages['pot']['fitting']} fits" in pot
    assert "(weights 2." in pot


def test_plan_changes_nothing(cli: CommandLine, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    ended = cli("plan", "x.yaml", "--set", "sources=[review]")
    assert ended.code == 0
    assert "0 of 4 cells done" in ended.out
    assert set(tmp_path.iterdir()) == before


def test_status_shows_failures_and_what_they_block(cli: CommandLine, tmp_path: Path) -> None:
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.sweep_file import load_sweep

    store = Store(str(tmp_path / "store"))
    plan = build_plan(load_sweep("x.yaml", ["data_root=data"]), store)
    key = next(key for key, unit in plan.units.items() if unit.task == "review")
    store.failures.write(key, "the loss became NaN", host="panda2")
    ended = cli("status", "x.yaml", "--set", "data_root=data")
    assert ended.code == 0
    assert "6 cells, 2 blocked, 4 waiting" in ended.out
    assert "failed: prompt_tuning review (seed 11): the loss became NaN (on panda2)" in ended.out
    rows = {
        line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.startswith(("review", "rating"))
    }
    assert rows == {"review": ["!", "!"], "rating": ["·", "·"]}
    planned = cli("plan", "x.yaml", "--set", "data_root=data", "--json").json
    assert planned["units"] == {"total": 8, "done": 0, "to_run": 6, "blocked": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "y.yaml"], "no sweep file 'y.yaml'"),
        (
            ["plan", "x.yaml", "--set", "targets=[remrk]"],
            "--set targets=[remrk]: unknown task 'remrk'; did you mean 'remark'?",
        ),
        (["run", "x.yaml", "--runner", "inline", "--address", "auto"], "--address names a Ray cluster"),
        (["status", "x.yaml", "--set", "seeds=1"], "--set seeds=1: seeds: must be a list, not 1"),
        (["track", "x.yaml", "--set", "data_root=data"], "has no result of sweep 'tiny' yet"),
        (["plan", "x.yaml", "--set", "seeds=[9223372036854775808]"], "at most 9223372036854775807"),
        (["plan", "x.yaml", "--set", f"name={'x' * 121}"], "at most 120 characters"),
        (["ui"], "no runs/*/mlflow.db here"),
        (["ui", "x.yaml"], "nothing was tracked yet"),
        (["data", "check", "remrk"], "unknown task 'remrk'; did you mean 'remark'?"),
        (["data", "check", "remrk", "--sweep", "x.yaml"], "sweep tiny: unknown task 'remrk'; did you mean 'remark'?"),
        (["data", "check", "--sweep", "x.yaml", "--max-len", "64"], "--max-len is what the sweep says"),
        (["data", "check", "remark", "--set", "seeds=[1]"], "--set changes a sweep: name it with --sweep"),
        (
            ["data", "convert", "in", "out.parquet", "--layout", "conll3"],
            "unknown layout 'conll3'; did you mean 'conll03'?",
        ),
        (
            ["run", "x.yaml", "--set", "sources=[conll03]", "--set", "targets=[conll03]", "--set", "data_root=data"],
            "has no cell",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(cli: CommandLine, arguments: list[str], said: str) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [["rn"], ["run"], ["run", "x.yaml", "--runner", "slurm"]])
def test_misspelt_command_lines_are_status_2(cli: CommandLine, arguments: list[str]) -> None:
    assert cli(*arguments).code == 2


def test_data_check_describes_tasks(cli: CommandLine) -> None:
    ended = cli("data", "check", "remark", "--backbone", "builtin-tiny")
    assert ended.code == 0
    assert "remark: fingerprint " in ended.out
    assert f"{get_task('remark').train_rows} rows; tokens" in ended.out
    assert "good 5" in ended.out
    assert "1 in order, 0 absent, 0 with problems" in ended.out


def test_data_check_names_row_and_column(cli: CommandLine, tmp_path: Path) -> None:
    for split in ("train", "validation"):
        path = tmp_path / "data" / "rte" / f"{split}.parquet"
        path.parent.mkdir(exist_ok=True)
        rows = [{"premise": "a", "hypothesis": "b", "label": label} for label in (0, 1, 7)]
        pq.write_table(pa.Table.from_pylist(rows), path)
    ended = cli("data", "check", "rte", "conll03", "--data-root", "data", "--backbone", "builtin-tiny")
    assert ended.code == 1
    assert "rte/train.parquet" in ended.out
    assert "row 2, column 'label'" in ended.out
    assert "conll03: absent: " in ended.out
    assert "0 in order, 1 absent, 1 with problems" in ended.out


def test_data_check_of_a_sweep_looks_at_its_own_files_and_no_other_tasks(cli: CommandLine, tmp_path: Path) -> None:
    rows = "".join(f"a remark of {number},{'no' if number % 3 else 'yes'}\n" for number in range(30))
    (tmp_path / "mine.csv").write_text("said,asked\n" + rows)
    own = "{data: mine.csv, kind: classification, text: said, label: asked}"
    told = ["--sweep", "x.yaml", "--set", f"tasks.mine={own}", "--set", "targets=[mine, remark]"]
    told += ["--set", "training.max_len=8", "--set", "training.prompt_len=2"]
    ended = cli("data", "check", *told)
    assert ended.code == 0
    checked = [line.partition(":")[0] for line in ended.out.splitlines() if ": fingerprint " in line]
    assert checked == ["review", "rating", "mine", "remark"]
    assert "conll03: absent: " in ended.out
    assert "100.0 % cut at the limit; no 66.7 %, yes 33.3 %" in ended.out, "8 tokens are few"
    (tmp_path / "mine.csv").write_text("said,asked\nalone,yes\n")
    ended = cli("data", "check", *told, "mine", "remark")
    assert ended.code == 1
    assert "1 in order, 0 absent, 1 with problems" in ended.out


def test_data_check_goes_on_whatever_one_task_does(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is known that brings the checks down, so one task's are made to fail."""
    sound = panda_ray.usecases.data.check_task

    def fails_for_remark(spec: TaskSpec, *others: Any) -> Any:
        if spec.name == "remark":
            raise ZeroDivisionError("nobody foresaw this")
        return sound(spec, *others)

    monkeypatch.setattr(panda_ray.usecases.data, "check_task", fails_for_remark)
    ended = cli("data", "check", "remark", "choice", "--backbone", "builtin-tiny")
    assert ended.code == 1
    assert "remark: ZeroDivisionError: nobody foresaw this" in ended.out
    assert "choice: fingerprint " in ended.out
    assert "1 in order, 0 absent, 1 with problems" in ended.out


def test_data_convert(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "eng.train").write_text("Bonn NNP I-NP I-LOC\nsleeps VBZ I-VP O\n\n")
    ended = cli("data", "convert", "eng.train", "data/conll03/train.parquet", "--layout", "conll03")
    assert (ended.code, ended.out.strip()) == (0, "1 rows from 1 file in data/conll03/train.parquet")
    assert pq.read_table(tmp_path / "data/conll03/train.parquet").num_rows == 1


def test_ui_names_a_server_instead_of_starting_one(cli: CommandLine) -> None:
    ended = cli("ui", "x.yaml", "--set", "tracking_uri=http://tracking:5000")
    assert ended.code == 0
    assert "http://tracking:5000" in ended.out


def test_ui_listens_on_loopback_only(cli: CommandLine) -> None:
    database = cli.folder / "a.db"
    connect(f"sqlite:///{database}").search_experiments()
    server = make_server(f"sqlite:///{database}", 5001)
    assert server is not None
    assert server.command[server.command.index("--host") + 1] == "127.0.0.1"
    assert server.command[server.command.index("--allowed-hosts") + 1] == "localhost:5001,127.0.0.1:5001"


@pytest.mark.parametrize("backbone", ["bert-small", "bert-tiny"])
def test_a_backbone_that_cannot_be_fetched_is_one_sentence(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, backbone: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(cli.folder / "hub"))
    ended = finish(start(cli.folder, "data", "check", "remark", "--backbone", backbone))
    assert ended.code == 2
    assert f"backbone '{backbone}': google/" in ended.err
    assert f"{{name: {backbone}, path: DIR}}" in ended.err
    assert "Traceback" not in ended.err


def test_results_that_lie_where_the_storage_leads_from_another_folder_are_named(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder below, and from elsewhere with the file's path; not where there are results, or none anywhere."""
    sub, other = cli.folder / "notes" / "june", cli.folder.parent / f"{cli.folder.name}-other"
    sub.mkdir(parents=True)
    other.mkdir()
    file = str(cli.folder / "x.yaml")
    for place in (cli.folder, sub, other):
        assert "begins at the working directory" not in CommandLine(place, monkeypatch)("plan", file).err
    (cli.folder / "store" / "units").mkdir(parents=True)
    for command in ("plan", "status"):
        assert "begins at the working directory" not in CommandLine(cli.folder, monkeypatch)(command, file).err
        for place in (sub, other):
            said = CommandLine(place, monkeypatch)(command, os.path.relpath(file, place)).err
            assert f"no results in it; there are in {cli.folder / 'store'}: " in said
            assert f"work in {cli.folder}, or give --set 'storage={cli.folder / 'store'}'" in said
