"""What is wrong with a machine, a cluster or a sweep before or beside a run, and what mends it.

A check is one function that is given a `Case` and yields findings; `examine.py` lists them. Adding one is a function
and a line there.
"""
