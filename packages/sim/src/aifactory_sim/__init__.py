"""A fleet in a box: simulated nodes, as real clients and servers of the real protocols. They say that they are simulated."""

__version__ = "0.1.0"
