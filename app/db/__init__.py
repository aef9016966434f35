"""The database: engines, and the two kinds of unit of work."""
