"""The `assay` command: one module for each group of commands."""
