"""The control API: a test author's hand on the world. It knows nothing of sockets."""
