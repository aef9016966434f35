"""Health of an installation: what answers, and its figures for Prometheus."""
