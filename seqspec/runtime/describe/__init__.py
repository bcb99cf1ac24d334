"""``seqspec describe``: a run in the formats that others read, one a file.

All follow from plan, lock and journal alone: the same run gives the same bytes, and no path of the machine.
"""
