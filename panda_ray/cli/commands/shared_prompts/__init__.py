"""Commands over a store of trained prompts that sweeps share."""
