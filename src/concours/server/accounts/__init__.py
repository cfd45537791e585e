"""Who somebody is: users, passwords, sessions, tokens, links that serve once."""
