"""The paper's tables asked for by name."""
