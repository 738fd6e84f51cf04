"""Metrics that look at a pair: the target's labelled rows, as the backbone reads them with the source's prompt."""
