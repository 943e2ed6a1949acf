"""The use cases, and the runner that carries runs on."""
