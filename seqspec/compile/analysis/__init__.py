"""A spec and its profiles taken through every stage before the build, with all that each stage finds."""
