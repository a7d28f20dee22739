"""Deliveries for a webhook handler: what it answers, what it does, and checks of it."""
