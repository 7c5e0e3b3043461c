"""The core: the way of an event as a deterministic state machine. No clock, randomness, sockets or threads."""
