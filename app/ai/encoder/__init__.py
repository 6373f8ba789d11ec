"""A sentence encoder in a process of its own, and what the web server asks it."""
