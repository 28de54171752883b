"""Calls to other people's systems: one guarded session, with auth, paging, retry and rate budget composed."""
