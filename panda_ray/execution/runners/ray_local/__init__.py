"""A Ray on this machine, for a run that is given none."""
