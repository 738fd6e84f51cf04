"""Commands about a cluster from a laptop, and `on-head`, which such commands call on the cluster.

Exit status of all of them: 0 if all is well, 1 if a job failed, 2 for bad input, 3 if the cluster cannot be reached or
lets us not in.
"""
