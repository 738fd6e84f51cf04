"""Sections of a report that are made side by side: the same ones, whatever happens to a process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from panda_ray.reports.html_page.render import Section
from panda_ray.reports.sections import sections_of
from support.sweeps.studies import invented_study

STUDY = invented_study(backbones=("bert-tiny", "bert-small"), seeds=(11, 12), items=20)
PATIENCE = 120.0


@pytest.fixture(scope="module")
def one_after_the_other() -> list[Section]:
    return sections_of(STUDY, replicates=50, processes=1)


def when_processes_run(act: Callable[[int], None]) -> threading.Thread:
    """Do something to the first process as soon as there is one."""

    def wait() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (children := multiprocessing.active_children()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        act(int(children[0].pid or 0))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_processes_change_nothing(one_after_the_other: list[Section]) -> None:
    assert [section.analysis.backbone for section in one_after_the_other] == ["bert-tiny", "bert-small"]
    assert one_after_the_other[0].analysis.gains[0].interval is not None
    begun = when_processes_run(lambda process: None)
    assert sections_of(STUDY, replicates=50, processes=2) == one_after_the_other
    begun.join()


def test_a_process_that_is_killed_costs_nothing_but_time(one_after_the_other: list[Section]) -> None:
    killed = when_processes_run(lambda process: os.kill(process, signal.SIGKILL))
    assert sections_of(STUDY, replicates=50, processes=2) == one_after_the_other
    killed.join()


def test_an_interrupt_ends_the_processes_at_once() -> None:
    interrupted = when_processes_run(lambda process: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        sections_of(STUDY, replicates=20_000, processes=2)
    interrupted.join()
    assert not multiprocessing.active_children()


def test_a_script_without_a_guard_is_not_run_again_by_its_processes(tmp_path: Path) -> None:
    script, seen = tmp_path / "script.py", tmp_path / "seen"
    script.write_text(
        "from pathlib import Path\n"
        "from support.sweeps.studies import invented_study\n"
        "from panda_ray.reports.sections import sections_of\n"
        f"with Path({str(seen)!r}).open('a') as file:\n"
        "    file.write('run\\n')\n"
        "study = invented_study(backbones=('bert-tiny', 'bert-small'), seeds=(11,), items=20)\n"
        "assert len(sections_of(study, replicates=50, processes=2)) == 2\n"
        "import __main__\n"
        "assert __main__.__file__ == __file__\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr, "a process that failed was made good by doing everything in this one"
    assert seen.read_text() == "run\n"


def test_processes_do_not_outlive_a_driver_that_is_killed() -> None:
    script = (
        "import sys\n"
        "from support.sweeps.studies import invented_study\n"
        "from panda_ray.reports.sections import sections_of\n"
        "if __name__ == '__main__':\n"
        "    study = invented_study(backbones=('bert-tiny', 'bert-small'), seeds=(11,), items=20)\n"
        "    sections_of(study, replicates=20_000, processes=2)\n"
    )
    driver = psutil.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    deadline = time.monotonic() + PATIENCE
    while len(workers := [each for each in driver.children() if "spawn_main" in " ".join(each.cmdline())]) < 2:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    _, left = psutil.wait_procs(workers, timeout=PATIENCE)
    for worker in left:
        worker.kill()
    assert not left


def test_a_section_needs_no_pytorch() -> None:
    """Which takes longer to import than the section of a small study to make."""
    script = "import sys, panda_ray.reports.sections; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
