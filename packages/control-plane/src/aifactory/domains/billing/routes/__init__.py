"""The routes of billing, one module per resource."""
