"""Warm starts: a study begins with the best points of finished studies of similar tasks (Feurer et al., AAAI 2015).

How similar two tasks are says the first metric of the sweep, as in a report: the one searched is the target.
"""
