"""The generators of the held-out suite: other rules over other words of the language that the built-in backbone reads.

A frozen backbone knows the words that it was pre-trained on and no others, so these tasks bring no new word forms. New
is what they ask, in which sentences, and by whom the words are met: reactions and strengths, of which no task of the
built-in suite asks, and halves of the lexicon that are dealt anew. Nothing that predicts transfer, no hyper-parameter
and no default was chosen on these tasks; what is measured on them is a confirmation only as long as that stays true.
"""
