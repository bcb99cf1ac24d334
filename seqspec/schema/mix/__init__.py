"""How several tasks take turns: which task each global batch of a run serves."""
