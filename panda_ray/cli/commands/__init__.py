"""One file per command, or per few that are alike; none imports what is slow before it runs."""
