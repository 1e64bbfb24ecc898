"""The only SQL of provisioning, one module per noun."""
