"""What stays beside others while they work: MLflow, on a head or here, and the watch for a notice of a spot machine."""
