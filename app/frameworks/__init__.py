"""Frameworks, competencies, rubric versions, achievements."""
