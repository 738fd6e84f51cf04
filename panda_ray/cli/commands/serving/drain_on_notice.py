"""`panda-ray drain-on-notice`: beside a node of Ray on a spot machine, for a cluster's start commands."""

from __future__ import annotations

from panda_ray.cli.console import stdout


def drain_on_notice() -> None:
    """Wait for the notice that the cloud takes this machine back, and have Ray drain it; for workers of a cluster."""
    from panda_ray.clusters.notices import find_notices
    from panda_ray.usecases.serving.drain_on_notice import drain_on_notice as drain

    notices = find_notices()
    if notices is None:
        stdout.print("this machine belongs to no cloud whose notices are known (AWS, Google Cloud): none will come")
        return
    stdout.print(f"listening for a notice of {notices.cloud}")
    left = drain(notices)
    if left is None:
        stdout.print("the nodes of this machine have ended without a notice")
    else:
        stdout.print(f"{notices.cloud} takes this machine back in {left:.0f} s: its nodes are draining")
