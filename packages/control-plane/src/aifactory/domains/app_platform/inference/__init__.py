"""Models by the token: the catalogue, the upstreams behind it, the gateways in front, and what they carried."""
