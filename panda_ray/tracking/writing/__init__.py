"""What a driver logs: its turn, its connection, and the runs that it makes of backbones and, in `unit_runs/`, of units."""
