"""The PSA adapters and their registry: one line per kind."""
