"""Traces for those who collect them (OpenTelemetry), off by default: a call with its turns, what of
them the model took, and the jobs that followed, wherever each ran."""
