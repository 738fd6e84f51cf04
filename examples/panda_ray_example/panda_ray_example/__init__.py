"""One plug-in of each sort for panda_ray; the entry points in pyproject.toml name them."""
