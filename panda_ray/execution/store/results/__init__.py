"""Results of units in a store: where their files lie, which were read, and which are as they were written."""
