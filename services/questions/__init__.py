"""Named questions on the knowledge graphs, answered by code in sentences and ids."""
