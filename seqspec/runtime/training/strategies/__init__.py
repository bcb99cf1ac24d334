"""How processes train one model together: in step, in parts, or apart."""
