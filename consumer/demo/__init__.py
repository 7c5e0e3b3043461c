"""The whole path on embedded parts: a mock broker, an in-process cache and a receiver."""
