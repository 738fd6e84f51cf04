"""What a cluster has room for, counted in stacks of one sweep, and what a run wants of it besides."""
