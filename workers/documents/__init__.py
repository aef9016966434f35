"""Documents as evidence: their text, read in the sandbox."""
