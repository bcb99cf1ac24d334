"""The language: pydantic models and types.  Nothing here loads torch or reads a file."""
