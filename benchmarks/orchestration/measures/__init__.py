"""What the orchestration costs, one figure in each file."""
