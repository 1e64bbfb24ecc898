"""AI Factory node agent: runs on every node."""

__version__ = "0.1.0"
