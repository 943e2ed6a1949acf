"""One folder a port, one file a technology. Adapters never import each other."""
