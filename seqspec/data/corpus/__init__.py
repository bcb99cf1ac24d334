"""A corpus as it lies on disk: records, audio, images, archives, downloads."""
