"""The rules of Caseworks: frozen values and pure functions. No I/O, no clock, no randomness."""
