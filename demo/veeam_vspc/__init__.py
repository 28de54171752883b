"""A faithful stand-in for the Veeam Service Provider Console REST API v3 (facts/vendors/veeam_vspc.md)."""
