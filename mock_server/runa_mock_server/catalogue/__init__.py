"""What can be ordered: products, catalogue files, product texts, changes."""
