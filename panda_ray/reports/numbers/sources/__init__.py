"""Which sources were chosen for a target, and which turned out best."""
