"""Telling tenants: which events they may hear of, webhooks, mail, and the deliveries of both."""
