"""Payload formats and signing profiles: from an event and a subscription to the exact bytes of a request. Pure."""
