"""What every competitor trains: models with random weights, and rows as long as those of real tasks."""
