"""Passes over a whole split without gradients: outputs, and the scores of the dev set."""
