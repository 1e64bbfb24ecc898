"""Resources of product: what the portal keeps on the server."""
