"""Tests of the screens: what the pages say, and how they behave in a browser."""
