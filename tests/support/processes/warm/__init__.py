"""Drivers of tests that begin as forks of a process which has imported what trains."""
