"""Commands that show what a study found."""
