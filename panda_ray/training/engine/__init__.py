"""The engine: many members in one pass of one backbone, from their starts to their results."""
