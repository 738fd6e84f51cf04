"""A sweep's names and values against what exists, and the sentence for each that does not fit."""
