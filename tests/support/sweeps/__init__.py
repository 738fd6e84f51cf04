"""Sweeps that train in seconds, and studies with invented results."""
