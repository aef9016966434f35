"""Mail: SMTP, or files in the outbox."""
