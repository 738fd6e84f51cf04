"""How long things take: operations counted, stacks measured, speeds fitted to them."""
