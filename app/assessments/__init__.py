"""Scores, moments, messages and the outcome of a judgement."""
