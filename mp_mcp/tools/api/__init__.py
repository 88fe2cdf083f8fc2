"""Tools that ask Mixpanel. They never touch the database."""
