"""Platform control: regions, the agents' certificate authority, dead letters, health."""
