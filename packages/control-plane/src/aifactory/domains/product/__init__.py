"""Product: the portal's page-shaped read models, joined from the other domains' facades."""
