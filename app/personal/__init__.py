"""What is kept of one person, found by a telephone number: to be handed out, or erased."""
