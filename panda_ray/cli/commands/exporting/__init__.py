"""What is done with one trained prompt: taken along, and asked."""
