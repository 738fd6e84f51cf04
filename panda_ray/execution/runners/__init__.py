"""A plan run to its end: in this process, or on a Ray cluster."""
