"""How far estimates are from what stacks took: a finished sweep, estimated from a part of its own records."""
