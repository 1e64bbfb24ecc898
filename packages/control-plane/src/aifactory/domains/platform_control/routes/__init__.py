"""The routes of platform_control, one module per resource."""
