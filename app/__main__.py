"""`python -m app` is the same as `assay`."""

from app.cli import main

main()
