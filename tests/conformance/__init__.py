"""One suite a room, run over every plug-in in it."""
