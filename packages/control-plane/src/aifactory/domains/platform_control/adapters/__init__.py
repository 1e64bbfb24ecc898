"""What reaches out of the house: HTTP to webhooks, SMTP to a mail server."""
