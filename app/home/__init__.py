"""Start pages by role: the only pages that read across domains."""
