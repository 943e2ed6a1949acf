"""The calls, a file for each area."""
