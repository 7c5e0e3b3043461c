"""The index of the delivery log, tried against its topic in simulated time."""
