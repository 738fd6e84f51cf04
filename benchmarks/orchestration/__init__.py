"""What a sweep costs besides training: starting, planning, scheduling, logging; see README.md one folder up."""
