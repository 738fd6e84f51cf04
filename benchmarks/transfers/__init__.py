"""What the paper says of transfer, asked of a study with several seeds (docs/results.md)."""
