"""The edges of the process: REST, command line, wiring, logs."""
