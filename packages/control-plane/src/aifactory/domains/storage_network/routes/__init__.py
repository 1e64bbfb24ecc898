"""The routes of storage_network, one module per resource."""
