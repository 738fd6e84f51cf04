"""Clocks, counters, and where a measurement ran."""
