"""How a cluster is reached from a machine that is no node of it, without Ray: its head, a tunnel, the Jobs API.

`open_cluster.py` puts the parts together. Nothing here knows what a sweep is.
"""
