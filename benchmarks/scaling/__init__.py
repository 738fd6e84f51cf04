"""One training on one worker and on two: how much faster, and where the rest goes."""
