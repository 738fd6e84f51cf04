"""What is wanted and not done yet, packed into stacks; deterministic, whatever the clock and the machine."""
