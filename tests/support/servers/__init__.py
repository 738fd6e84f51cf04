"""What a study talks to, on loopback: an object store, the Hub, a head of Ray, a browser and what it opens."""
