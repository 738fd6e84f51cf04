"""What use cases ask of sweeps that grow while they run, and what a search chose."""
