"""What an example and an answer are: one file a task."""
