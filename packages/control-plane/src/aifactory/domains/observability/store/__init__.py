"""The only SQL of observability, one module per noun."""
