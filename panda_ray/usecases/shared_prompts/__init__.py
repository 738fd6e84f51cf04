"""Trained prompts that several sweeps share: a store of its own, which people fill and sweeps take from."""
