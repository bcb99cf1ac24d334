"""What the configs of several encoders and decoders share."""
