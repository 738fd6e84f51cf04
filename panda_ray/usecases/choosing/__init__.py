"""Which source to take: predicted for a task that nothing was trained on, or read from what was."""
