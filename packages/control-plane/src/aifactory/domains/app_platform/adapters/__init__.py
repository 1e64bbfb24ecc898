"""What app_platform reaches outside the database."""
