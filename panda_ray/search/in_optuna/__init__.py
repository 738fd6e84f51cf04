"""All that knows Optuna: its distributions, samplers and pruners, its storage, one study in it, and its importances."""
