"""What a report says in numbers: from single scores to tables, gains, intervals and comparisons."""
