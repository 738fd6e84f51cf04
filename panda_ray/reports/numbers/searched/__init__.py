"""What a report says about a search: what it chose, and what a warm start saved."""
