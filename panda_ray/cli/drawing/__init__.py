"""What commands draw: tables, the grid, bars, and how a sweep stands."""
