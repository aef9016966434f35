"""Short jobs: each calls what its domain says about it, inside the unit that marks the job as done."""
