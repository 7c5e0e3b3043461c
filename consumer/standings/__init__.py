"""What all processes together know of a webhook, in Redis."""
