"""What a driver logs: its turn, its connection, and the runs that it makes of units (`unit_runs/`) and backbones."""
