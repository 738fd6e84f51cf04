"""Losses of a step: of what heads say, and of what teachers say of the same rows."""
