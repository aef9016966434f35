"""Submissions, evidence, uploads, renditions, transcripts, receipts."""
