"""Webhooks: endpoints, messages and their schedule. Nothing in here sends anything."""
