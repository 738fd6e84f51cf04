"""What a stack holds while it trains: trained tensors, optimiser, progress of each member, and all that as bytes."""
