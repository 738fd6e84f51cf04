"""What works without a library works in a process where it is not installed, imported at once or deferred."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import panda_ray
from support.processes.absence import environment_without

ROOT = Path(panda_ray.__file__).parent
MLFLOW = ("mlflow", "mlflow-skinny", "mlflow-tracing")
STUDY = """
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.plan import plan_sweep
from panda_ray.usecases.run import run_sweep
from panda_ray.usecases.runner import RunnerName, make_runner
from panda_ray.usecases.status import status_of

sweep = load_sweep("quickstart", [
    "storage={storage}", "sources=[review]", "targets=[remark]", "methods=[pot]", "metrics=[]", "seeds=[1]",
    "training.epochs=1", "tasks={{review: {{max_train_rows: 32, max_dev_rows: 16}}, remark: {{max_dev_rows: 16}}}}",
])
assert len(plan_sweep(sweep).plan.stacks) == 2
run = run_sweep(sweep, make_runner(RunnerName.INLINE))
assert run.summary.complete and run.report.paths[0].is_file(), run
assert status_of(sweep).complete and not plan_sweep(sweep).plan.stacks
"""
SCIENCE = ("tasks", "backbones", "prompts", "methods", "metrics", "training")
LIGHT = (
    "panda_ray.backbones",
    "panda_ray.backbones.architectures",
    "panda_ray.clusters.open_cluster",
    "panda_ray.errors",
    "panda_ray.execution.store.store",
    "panda_ray.execution.units.unit",
    "panda_ray.methods",
    "panda_ray.metrics",
    "panda_ray.seeding",
    "panda_ray.sweep",
    "panda_ray.sweep_file",
    "panda_ray.tasks",
    "panda_ray.tasks.caching.survey",
    "panda_ray.tasks.check",
    "panda_ray.tasks.extent",
    "panda_ray.tasks.rows.validation",
    "panda_ray.tracking.server.database",
    "panda_ray.tracking.reading.examples",
    "panda_ray.tracking.writing.provenance",
    "panda_ray.tracking.runs",
    "panda_ray.tracking.reading.study",
    "panda_ray.python",
    "panda_ray.reports.figures.drawing",
    "panda_ray.reports.numbers.frame",
    "panda_ray.reports.paper",
    "panda_ray.usecases.on_head.preflight",
    "panda_ray.usecases.on_head.drive",
    "panda_ray.usecases.remote.submit",
    "panda_ray.usecases.simulate",
)
"""Need no torch, whatever they import; the rest of tracking and reports reads units, whose package does."""


def ended(blocked: Sequence[str], code: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that runs `code` and has none of the distributions in `blocked`."""
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_without(blocked, Path(folder))
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def importing(modules: Sequence[str]) -> str:
    return "".join(f"import {module}\n" for module in modules)


def modules_of(package: str) -> list[str]:
    files = [path for path in (ROOT / package).rglob("*.py") if path.name != "__main__.py"]
    names = [".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in files]
    return sorted(name.removesuffix(".__init__") for name in names)


def test_the_science_needs_neither_ray_nor_mlflow_nor_optuna() -> None:
    modules = [module for package in SCIENCE for module in modules_of(package)]
    assert len(modules) > 50
    process = ended(["ray", *MLFLOW, "optuna"], importing(modules))
    assert process.returncode == 0, process.stderr


def test_use_cases_need_no_console_and_print_nothing(tmp_path: Path) -> None:
    process = ended(["typer", "rich"], STUDY.format(storage=tmp_path))
    assert process.returncode == 0, process.stderr
    assert process.stdout == ""


def test_every_module_of_the_command_line_is_imported_without_the_slow_libraries() -> None:
    process = ended(["torch", "ray", *MLFLOW, "transformers"], importing(["panda_ray", *modules_of("cli")]))
    assert process.returncode == 0, process.stderr


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = "import sys\nfrom panda_ray.cli import main\nsys.argv = ['panda-ray', '--help']\nmain()\n"
    process = ended(["torch", "ray", *MLFLOW, "transformers"], code)
    assert process.returncode == 0, process.stderr
    assert "Usage" in process.stdout


def test_light_modules_need_no_torch() -> None:
    process = ended(["torch", "ray"], importing(LIGHT))
    assert process.returncode == 0, process.stderr


def test_rows_are_checked_and_counted_without_torch() -> None:
    code = """
from panda_ray.tasks import TASKS
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.kinds import KINDS

builtin = [task for task in TASKS if type(task.origin).__name__ == "BuiltinOrigin"]
assert {task.kind for task in builtin} | {TASKS.get("record").kind} == set(KINDS)
for task in builtin[::5]:
    assert survey(task, None, 20, 20).extent.tokens_per_row(128) > 3
"""
    process = ended(["torch", "transformers", "ray"], code)
    assert process.returncode == 0, process.stderr


def test_backbones_are_listed_identified_and_measured_without_torch() -> None:
    code = """
from pathlib import Path

import panda_ray.backbones
from panda_ray.backbones import BACKBONES, BackboneSpec, Sizes, backbone_identity, backbone_sizes, check_positions
from panda_ray.backbones.architectures import ARCHITECTURES

assert all(isinstance(spec, BackboneSpec) for spec in BACKBONES)
folder = str(Path(panda_ray.backbones.__file__).parent / "builtin_tiny")
assert backbone_identity("own", folder).startswith("local:")
assert backbone_sizes("own", folder) == Sizes(3, 128, 512, 192)
check_positions("own", 192, prompt_len=20, max_len=128, position_offset=True)
assert {architecture.pooled for architecture in ARCHITECTURES} <= {"first", "last"}
for name in ("Backbone", "Features", "Tokens", "load_backbone"):
    try:
        getattr(panda_ray.backbones, name)
    except ImportError as error:
        assert "torch" in str(error), error
    else:
        raise AssertionError(name)
"""
    process = ended(["torch", "transformers", "ray"], code)
    assert process.returncode == 0, process.stderr


def test_methods_and_metrics_say_what_they_are_without_torch() -> None:
    code = """
from panda_ray.methods import METHODS
from panda_ray.metrics import METRICS
for method in METHODS:
    options = method.Options()
    assert (method.requires(options) == ()) == (method.sources == "none"), method.name
    assert options.model_dump(mode="json") is not None
for metric in METRICS:
    assert metric.Options().model_dump(mode="json") is not None
print(len(METHODS), len(METRICS))
"""
    process = ended(["torch", "transformers"], code)
    assert process.returncode == 0, process.stderr
    assert [int(count) > 3 for count in process.stdout.split()] == [True, True]


@pytest.mark.parametrize(
    ("library", "module"),
    [("torch", "panda_ray.training.engine.stacked"), ("ray", "panda_ray.execution.runners.ray_tune")],
)
def test_a_blocked_library_is_missed_by_what_needs_it(library: str, module: str) -> None:
    process = ended([library], f"import {module}")
    assert process.returncode == 1
    assert f"ModuleNotFoundError: No module named '{library}'" in process.stderr
