"""One module per kind of task, each with `encode` (rows to tensors) and `decode` (engine outputs to predictions)."""
