"""Task metrics as per-item sufficient statistics and a reduction, one module per family of metrics."""
