"""What learns: one folder a framework, one file an architecture."""
