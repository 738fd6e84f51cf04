"""Every figure of a report, and how it looks. Matplotlib is imported here alone."""
