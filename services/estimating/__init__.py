"""What a plan will cost before anything is spent: the calls that its tasks make by their ways of working, and how long
their prompts are as they would be built, on the models that are configured now. No model is asked."""
