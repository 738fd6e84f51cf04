"""What is trained in tests: small random models, made-up rows, and when two results are the same."""
