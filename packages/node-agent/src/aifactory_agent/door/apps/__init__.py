"""Apps inside a sandbox: a supervisor for each, and the tool with which the door starts, watches and ends them.

All of it runs as the tenant. What it says about an app is therefore the tenant's own word about the tenant's own app.
"""
