"""Lots, sampling plans, blind re-scores, lot decisions."""
