"""A store on a server: what it is asked, and how seldom."""
