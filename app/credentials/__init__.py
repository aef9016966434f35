"""Credential documents, signing, status lists, verification."""
