"""Rows of a user's own files: forms of files, what their cells mean, and rows without a label."""
