"""Commands that make what the paper shows."""
