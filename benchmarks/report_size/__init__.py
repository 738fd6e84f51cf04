"""What `panda-ray report` of a large study costs, measured on the whole command."""
