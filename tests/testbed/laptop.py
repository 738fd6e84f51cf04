"""The laptop: outside of the hosts, with a home and a token of its own, and an environment that holds nothing else."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

from testbed.bed import CHECKOUT, Testbed


class Laptop:
    """Runs commands on the near side of the bridge.

    Attributes:
        home: its HOME, and where commands run.
        environment: all that a command inherits; may be changed.
    """

    def __init__(self, testbed: Testbed, python: Path) -> None:
        """
        Args:
            python: the interpreter of the environment whose commands it has.
        """
        self.home = testbed.folder / "laptop"
        self.token = secrets.token_hex(32)
        (self.home / ".ray").mkdir(parents=True)
        token = self.home / ".ray" / "auth_token"
        token.write_text(self.token)
        token.chmod(0o600)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{python.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "OMP_NUM_THREADS": "1",
            "RAY_AUTH_MODE": "token",
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
        }

    def run(self, *command: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Raises:
            AssertionError: it failed; with what it printed.
        """
        ended = subprocess.run(
            command, cwd=self.home, env=self.environment, capture_output=True, text=True, check=False, timeout=timeout
        )
        assert not check or ended.returncode == 0, f"{command} on the laptop:\n{ended.stdout}\n{ended.stderr}"
        return ended
