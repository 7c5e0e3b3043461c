"""What a hostile producer, customer or endpoint may send, as hypothesis strategies for whoever must bear it."""
