"""Measures, the scores of tasks, as per-item sufficient statistics and a reduction, one module per family of them."""
