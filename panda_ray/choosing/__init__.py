"""Sources that a metric chooses, as growth of a plan: a few pairs per target are trained instead of all.

A choice is computed from the similarities in the store whenever it is asked for, and kept nowhere.
"""
