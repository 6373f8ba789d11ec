"""Measurements, run by `python3 run.py bench NAME`; no part of the test run."""
