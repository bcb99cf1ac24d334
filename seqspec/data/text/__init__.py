"""From a raw string to ids and back, with offsets."""
