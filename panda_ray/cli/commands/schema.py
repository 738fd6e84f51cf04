"""`panda-ray schema`: the JSON schema of sweep files, for editors."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON schema of sweep files (what sweeps/schema.json holds)."""
    from panda_ray.sweep_file.json_schema import schema_text

    typer.echo(schema_text(), nl=False)
