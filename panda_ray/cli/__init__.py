"""The command line: it selects what to do and shows what happened; every setting lives in the sweep file."""

from panda_ray.cli.app import main

__all__ = ["main"]
