"""`panda-ray serve`: MLflow over Postgres on the head of a cluster, for its start commands."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.console import print_json, stdout
from panda_ray.cli.options import Json

Folder = Annotated[
    Path | None,
    typer.Option(
        help="Database and logs, on a disk of this machine. Default: ~/.local/share/panda-ray (root: /var/lib)."
    ),
]
Artifacts = Annotated[str | None, typer.Option(help="Folder, or s3:// or gs:// URL, of prompts and reports.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]


def serve(folder: Folder = None, artifacts: Artifacts = None, port: Port = 5000, as_json: Json = False) -> None:
    """Have MLflow's server running on 127.0.0.1, over a Postgres of its own, and return; start only what is missing."""
    from panda_ray.secrets import public
    from panda_ray.usecases.serving.serve import default_folder
    from panda_ray.usecases.serving.serve import serve as serve_mlflow

    served = serve_mlflow(folder or default_folder(), artifacts, port)
    if as_json:
        print_json({**asdict(served), "log": str(served.log)})
        return
    verb = "started" if served.started else "runs already"
    stdout.print(
        f"MLflow {verb} at {served.uri}, artifacts in {public(served.artifacts)}, log {served.log}",
        markup=False,
        soft_wrap=True,
    )
