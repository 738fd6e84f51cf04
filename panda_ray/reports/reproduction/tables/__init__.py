"""One file per layout of the paper's tables: what its rows and columns are, given numbers and what they run over."""
