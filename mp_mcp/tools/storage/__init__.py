"""Tools that use the database through the store handles."""
