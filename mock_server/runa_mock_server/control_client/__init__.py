"""The Python face of the control API, in process and remote."""
