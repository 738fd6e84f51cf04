"""A data set is one literal: its columns, its texts, its labels and its published hyper-parameters."""
