"""Moving an embedded installation into PostgreSQL and S3: `assay copy`."""
