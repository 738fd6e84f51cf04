"""What earlier runs found out about data sets: fingerprints, extents, encoded rows. Nothing is read twice."""
