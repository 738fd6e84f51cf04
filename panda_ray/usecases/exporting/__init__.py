"""How a trained prompt leaves the store, and what it says of new rows there."""
