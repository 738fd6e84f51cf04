"""One file per architecture; none needs torch before a model is loaded."""
