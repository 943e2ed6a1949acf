"""What a page shows: gathered by use cases, put in order, before any HTML."""
