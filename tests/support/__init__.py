"""What tests share: small models, tasks, studies and sweeps, and processes that run them."""
