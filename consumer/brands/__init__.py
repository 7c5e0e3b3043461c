"""How one company's webhooks look and behave."""
