"""The version that the client states in its `User-Agent`; looking it up at run time is slow."""

VERSION = "0.2.0"
