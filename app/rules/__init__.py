"""Rules about what a business sets up, pure: no database, no request."""
