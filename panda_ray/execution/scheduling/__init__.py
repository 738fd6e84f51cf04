"""Which stack starts next and in which shape, against a real clock or a virtual one."""
