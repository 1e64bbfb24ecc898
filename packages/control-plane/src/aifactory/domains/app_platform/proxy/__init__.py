"""The way of a browser to a web app: an origin of its own for each instance, which nobody enters without a portal session."""
