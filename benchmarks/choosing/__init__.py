"""What choosing a source by each metric costs, seed by seed: the confirmation of docs/metrics.md."""
