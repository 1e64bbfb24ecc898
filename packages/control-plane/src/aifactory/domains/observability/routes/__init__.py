"""The routes of observability, one module per resource."""
