"""Hypothesis without deadlines (a busy machine is no fault), and watchdogs for what must not hang."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("askonce", deadline=None, max_examples=60)
settings.load_profile("askonce")
