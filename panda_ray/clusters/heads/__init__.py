"""The head of a cluster, found as its provider knows it: one module per provider, and the ways to a head's ports."""
