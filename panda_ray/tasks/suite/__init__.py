"""The generators of the built-in suite: an invented lexicon, sentences over it, labelled rows and pre-training text."""
