"""The paper's tables, made from the paper's own numbers or from a study's by the same code.

An `Artefact` is data: its id, the sweep that has the cells which it needs, and a layout in **tables/** or **charts/**,
a function of `Numbers` and of what its rows and columns run over. `PrintedNumbers` are the paper's, and **written/**
makes files of either.
"""
