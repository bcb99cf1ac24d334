"""A first look at data that has no spec yet: what corpus it is, and what a spec of it would say."""
