"""The report of a sweep: where it is written, and the rows that its cases show."""
