"""What is done with a cluster from a laptop: submit, list, read, stop and resume sweeps.

Everything goes through the Jobs API: a sweep is a job, and a question is a small job whose log holds the answer
(`asking.py`; its other side is `usecases/on_head`). No Ray is imported, and no port but SSH's has to be open.
"""
