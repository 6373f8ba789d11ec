"""Reads values out of speech: numbers, names, addresses, days, times, yes and no. Pure."""
