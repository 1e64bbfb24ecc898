"""The only SQL of storage_network, one module per noun."""
