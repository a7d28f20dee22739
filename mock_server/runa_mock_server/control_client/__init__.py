"""Control of a mock server from Python, in the same process or over HTTP."""
