"""Logging and counters."""
