"""What MLflow holds of a sweep, read back: where it stands, and the study that reports are made of."""
