"""``seqspec data inspect``: become one with the data before a model does.

One file a topic; each has ``check(subject)`` that yields findings with the ids D01 to D22.  The folder
listing is the list of checks.
"""
