"""Webhooks: who wants to be told, what of, and how it went. Nothing in here sends anything."""
