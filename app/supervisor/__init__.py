"""The process that runs all parts of Assay on one machine: starts, watches, restarts and stops them."""
