"""The published contracts, generated from what the domains declare: OpenAPI, AsyncAPI, and the maps of the house."""
