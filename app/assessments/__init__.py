"""Scores, moments and the outcome: what one assessor judged."""
