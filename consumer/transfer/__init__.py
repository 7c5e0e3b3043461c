"""Webhooks and API keys, out to a file and in from one."""
