"""One pass of a frozen model for a whole stack: its tokens as one row, its prefixes, its dropout, its products."""
