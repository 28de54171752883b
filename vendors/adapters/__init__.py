"""The vendor adapters and their registry: one line per kind."""
