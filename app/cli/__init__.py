"""Commands of run.py, one module each."""
