"""How a server is configured: settings, configuration files, logging."""
