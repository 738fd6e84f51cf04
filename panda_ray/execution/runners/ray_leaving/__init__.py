"""Stacks that leave: their node goes away or is gone, or their driver pauses."""
