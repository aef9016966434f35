"""The checks of `assay doctor`, by what they look at."""
