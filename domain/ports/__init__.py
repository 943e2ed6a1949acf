"""The two ports that the domain itself names: language models, and agents talking to each other."""
