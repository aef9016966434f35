"""Tools of the repository; nothing here is needed to run Assay."""
