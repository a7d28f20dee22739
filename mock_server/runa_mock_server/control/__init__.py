"""The control API: a test author's hand on the server_state. It knows nothing of sockets."""
