"""What the schema says about itself: fields, their types and sentences, names that are near."""
