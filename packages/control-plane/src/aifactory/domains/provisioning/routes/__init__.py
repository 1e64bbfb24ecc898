"""The routes of provisioning, one module per resource."""
