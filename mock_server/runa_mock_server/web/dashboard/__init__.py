"""The dashboard: static files that call the control API."""
