"""PanDa from one source or several, and the teachers that it needs."""
