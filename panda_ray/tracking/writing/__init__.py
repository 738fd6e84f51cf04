"""What a driver logs: its turn, its connection, and the runs that it makes of units and backbones."""
