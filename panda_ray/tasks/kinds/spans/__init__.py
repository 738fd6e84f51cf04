"""Answers as spans of a context: where they are said to be, in which window they lie, and which one a model means."""
