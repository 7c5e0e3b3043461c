"""What an operator's command and a customer's API call do alike: webhooks written, read and shown."""
