"""Control from outside: every surface sets the controls of one table."""
