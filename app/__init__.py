"""Assay: the site and everything that decides."""
