"""People, organisations, memberships, sessions, sign-in."""
