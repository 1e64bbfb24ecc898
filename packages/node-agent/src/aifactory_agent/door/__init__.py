"""The door: the SSH server that runs inside a sandbox, as the sandbox's user, with no credential of the platform."""
