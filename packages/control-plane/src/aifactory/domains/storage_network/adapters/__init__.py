"""Vendors behind the domain's ports."""
