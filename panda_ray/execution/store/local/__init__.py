"""A store in a folder of this machine (or on NFS): how its files are read, and how they are written."""
