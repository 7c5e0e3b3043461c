"""What the attempts topic tells of each webhook: its health."""
