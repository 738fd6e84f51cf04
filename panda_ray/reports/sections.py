"""The sections of a report, one per backbone, made side by side in processes.

What takes the time is Python: tens of thousands of small numbers, and Matplotlib. Processes are spawned, because a fork
copies the locks that other threads hold. A process takes seconds to start, so a single backbone is not worth one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from panda_ray.reports.html_page.render import Section
from panda_ray.reports.numbers.analysis import analyse
from panda_ray.reports.numbers.statistics import REPLICATES
from panda_ray.reports.pages import section_of
from panda_ray.tracking.reading.study import Study


def sections_of(study: Study, replicates: int = REPLICATES, processes: int | None = None) -> list[Section]:
    """Numbers and figures of every backbone, which do not depend on how many processes make them.

    Args:
        replicates: samples of every bootstrap interval.
        processes: at the most; as many as there are cores unless given.
    """
    backbones = study.backbones
    workers = min(processes or _cores(), len(backbones))
    if workers > 1:
        try:
            return _side_by_side(study, replicates, workers)
        except BrokenProcessPool:  # killed, most likely for its memory; one after the other takes less
            pass
    return [section_of(analyse(study, backbone, replicates)) for backbone in backbones]


def _side_by_side(study: Study, replicates: int, workers: int) -> list[Section]:
    """Numbers first, then figures, as jobs of their own: whole sections would leave a worker without one at the end."""
    with _pool(workers) as pool, _no_main_module():
        numbers = [
            pool.submit(analyse, _of_backbone(study, backbone), backbone, replicates) for backbone in study.backbones
        ]
        return list(pool.map(section_of, (computed.result() for computed in numbers)))


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the work, and at once when it is interrupted."""
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes = set(multiprocessing.active_children()) - others
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
            raise


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Nothing of the program is imported by processes that start meanwhile.

    A spawned process begins with importing the program that its parent is. Where that is somebody's script without a
    guard around its statements, each would run the whole script again.
    """
    main = sys.modules["__main__"]
    kept: dict[str, Any] = {name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__}
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(kept)


def _begin() -> None:
    """In a new process: an interrupt is its parent's to take, and it does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _of_backbone(study: Study, backbone: str) -> Study:
    """The study without what is not asked for: the per-item statistics of other backbones, and curves."""
    keys = study.scores.loc[study.scores["backbone"] == backbone, "key"]
    return replace(study, examples={key: study.examples[key] for key in keys if key in study.examples}, trainings={})


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
