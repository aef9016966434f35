"""The `assay` command: one module for each group of commands; `root` joins them."""

from app.cli.root import main

__all__ = ["main"]
