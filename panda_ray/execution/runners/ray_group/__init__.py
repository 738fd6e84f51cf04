"""The workers that train one stack together: how they meet, and what it means when they are lost."""
