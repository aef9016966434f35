"""The queue and claims (leases)."""
