"""How runs are carried on: the runner, what it may change, and recorded calls."""
