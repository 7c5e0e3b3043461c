"""The transport port, its engines and the address guard."""
