"""The layouts of the paper's figures: the numbers that each draws."""
