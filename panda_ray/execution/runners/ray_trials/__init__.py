"""A stack as a trial of Tune: what its worker does, and what the driver makes of what it says."""
