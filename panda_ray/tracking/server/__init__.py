"""How a tracking server is reached, waited for and left, and the database of a local one."""
