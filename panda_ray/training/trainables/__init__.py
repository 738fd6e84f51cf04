"""What the members of a stack may train: the seam to the engine, and one file per trainable."""
