"""Everything that understands words: interpreters propose, the flow decides."""
