"""Kafka's clients, the topics Hookline owns and the wire formats of their records."""
