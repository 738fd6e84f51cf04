"""What stacks take of a device's memory by arithmetic, what was measured of it, and what follows for a plan."""
