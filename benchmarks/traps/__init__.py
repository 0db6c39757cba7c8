"""Pairs of questions that look alike and are not, and pairs that do not and are: a test set, never for training."""
