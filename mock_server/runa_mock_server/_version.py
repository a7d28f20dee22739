"""The version; the build takes it from here."""

__version__ = "0.2.0"
