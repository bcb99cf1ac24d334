"""seqspec: a compiler for experiments with sequence models."""

__version__ = "0.1.0"
