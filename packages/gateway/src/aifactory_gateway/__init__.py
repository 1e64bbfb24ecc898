"""The token gateway: authenticates, admits, carries and counts inference requests, without a database."""
