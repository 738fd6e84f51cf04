"""Files of a store: read, listed, and written so that a reader never sees half of one, on a disk and on servers."""
