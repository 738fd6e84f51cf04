"""How far estimates are from what stacks took: those of a sweep, estimated from a part of its own records."""
