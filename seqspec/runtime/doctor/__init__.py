"""``seqspec doctor``: does the compiled experiment do what such a model must?  Checks M01 to M20, by topic.

Every check works on a copy of the model, so their order does not matter; the folder listing is the list of
checks.
"""
