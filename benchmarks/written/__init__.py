"""What was measured, as files, tables and figures."""
