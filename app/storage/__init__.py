"""Object storage: one concrete client, and the embedded server."""
