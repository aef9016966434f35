"""Lots, sampling plans, draws, blind re-scores and lot decisions."""
