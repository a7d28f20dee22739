"""Scenarios for a client: faults of the service, what the client does, and checks of it."""
