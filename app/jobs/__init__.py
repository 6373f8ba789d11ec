"""Work after and around calls: the outbox, what runs it, and what is run."""
