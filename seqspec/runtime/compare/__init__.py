"""``seqspec compare``: runs beside each other, and whether they differ by more than chance."""
