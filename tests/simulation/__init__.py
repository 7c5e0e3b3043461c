"""The simulator: Hookline's own loop, core and record formats over a simulated clock, network, Kafka and Redis.

The law: one seed decides everything. The same seed gives the same history, to the last line, in any process on any
machine; nothing here reads a clock, a salted hash or the order of a set.

What is real: Worker (the loop), Core and all below it, Commits, BrokerClocks, Clock, Reader, history.apply, decode, the
encoders and decoders of every record, the signers. What is simulated: everything that Worker is given as a port.
"""
