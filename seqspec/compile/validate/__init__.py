"""Tree to experiment, and schema errors in the words of the spec."""
