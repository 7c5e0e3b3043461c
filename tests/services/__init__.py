"""Real Kafka, Redis and schema registry for tests and development, on free ports, never left behind.

`kafka.Kafka`, `redis.Redis` and `registry.Registry` are the servers; `python -m tests.services` runs all three.
"""
