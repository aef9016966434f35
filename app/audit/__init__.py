"""The audit trail: append, verify, export."""
