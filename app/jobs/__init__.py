"""Jobs: names, the leased table, the engine that runs them."""
