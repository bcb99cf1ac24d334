"""Searches: each says when it stops; what several of them need begins with an underscore."""
