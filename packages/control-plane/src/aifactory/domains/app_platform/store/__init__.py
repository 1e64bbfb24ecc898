"""The only SQL of app_platform, one module per noun."""
