"""What a model must reach before anyone may call it."""
