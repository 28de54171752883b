"""A faithful simulator of the ConnectWise PSA REST API (fact sheet psa/connectwise.md)."""
