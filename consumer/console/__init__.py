"""The operator's console: one page over all tenants."""
