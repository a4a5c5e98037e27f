"""What changed in the tables, one file a change; Alembic runs them in order."""
