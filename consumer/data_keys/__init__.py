"""Tenants' data keys: what is written for a tenant is sealed with its own, and unreadable once that is destroyed."""
