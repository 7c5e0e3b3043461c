"""The REST API: one app a brand, the same webhooks behind all of them."""
