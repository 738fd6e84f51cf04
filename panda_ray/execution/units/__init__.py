"""What a study consists of: units and their keys, the graph behind the cells, the rows and backbones that keys name."""
