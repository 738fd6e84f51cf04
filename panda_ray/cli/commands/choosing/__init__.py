"""Commands that name sources for a task."""
