"""What a search costs: pruned against whole, stacked against one trial at a time and against Ray Tune with PEFT."""
