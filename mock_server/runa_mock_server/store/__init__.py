"""How changes are kept: the commit and its engines."""
