"""Methods without sources: what a task is trained by alone."""
