"""The guides, a module of some each: what a reader has before he types the commands of a page."""
