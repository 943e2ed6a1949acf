"""Structured replies of weak models: `ladder.read` finds the one JSON value that a text means, or refuses.

candidates  where in the text JSON may stand; what is thinking or wrapping
mending     from a candidate to a value: strict, tolerant, Python, json_repair, in this order
coercing    from a value to one that fits the schema, each change recorded
ladder      all of it: the cheapest reading that fits, or the first fault

Pure functions. A wrong value is worse than a refusal: what could mean two things is refused.
"""
