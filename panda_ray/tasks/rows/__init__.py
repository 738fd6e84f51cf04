"""How the rows of a task are found, read and checked, and the hash that names them."""
