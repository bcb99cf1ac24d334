"""What is generated from the schema: JSON Schema, the reference pages, specs to start from."""
