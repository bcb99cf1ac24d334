"""Networks that make one vector of an encoder's states."""
