"""Where things are kept: exact-match stores and vector indexes."""
