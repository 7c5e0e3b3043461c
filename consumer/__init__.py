"""Hookline: domain events on Kafka in, signed webhook deliveries out, nothing lost in between."""
