"""What one process does: one file a role, each a main loop, and the supervisor over them."""
