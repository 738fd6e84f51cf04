"""An artefact as files: Markdown, LaTeX, CSV and drawings."""
