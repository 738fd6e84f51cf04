"""Processes that tests start: drivers to stop or kill, command lines, and interpreters that lack something."""
