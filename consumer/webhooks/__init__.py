"""The subscription: what it is, how it matches, how it is kept and read."""
