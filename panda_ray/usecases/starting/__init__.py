"""From a file of rows to a sweep, and to a prompt that labels more of them."""
