"""The page: HTML made here, small scripts, nothing loaded from elsewhere."""
