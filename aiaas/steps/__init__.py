"""What cleans rows: one file a step."""
