"""What a laptop asks of a cluster's head, as it happens there: a small job each, whose log holds the answer.

A head says by `PANDA_RAY_STORAGE` under which URL sweeps are kept (`<root>/<name>`), and by `MLFLOW_TRACKING_URI`
where they are logged. What was submitted lies beside the sweeps, in `<root>/.panda-ray`, because the history of jobs
ends with the head.
"""
