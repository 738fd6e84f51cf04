"""How rows of a user's own become those of a kind: their columns, what a cell means, and the texts made of them."""
