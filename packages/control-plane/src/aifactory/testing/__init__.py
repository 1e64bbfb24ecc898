"""Test support: a real PostgreSQL from its wheel, a fresh migrated database per test, and the API around it."""
