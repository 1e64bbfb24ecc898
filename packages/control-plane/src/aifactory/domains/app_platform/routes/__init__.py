"""The routes of app_platform, one module per resource."""
