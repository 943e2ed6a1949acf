"""The command line: a client of the REST API, of a server that runs already or of one beside it."""
