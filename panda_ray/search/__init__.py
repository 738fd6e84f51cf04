"""Searches: which hyper-parameters suit a task, asked of Optuna point by point and trained in stacks like everything.

A *study* searches for one backbone, method, sources and target; a *point* gives a value to each name of the space; a
*trial* is a point in a study, and one unit per seed. What tells points apart is the keys of their units: a trial's
number means nothing.
"""
