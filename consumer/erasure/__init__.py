"""What is known of a tenant, and how it goes."""
