"""One stack, run in this process: its inputs read, its members trained, its results published."""
