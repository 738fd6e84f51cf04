"""How a run is watched: by its own driver, which says where it stands, and from a machine that sees a cluster alone."""
