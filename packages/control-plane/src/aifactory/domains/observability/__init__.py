"""Observability: incidents that say why something is stuck."""
