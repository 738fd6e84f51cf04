"""In which shape a stack starts or goes on: how many members together, on how many workers."""
