"""What every page and API call shares; it knows no domain."""
