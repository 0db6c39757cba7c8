"""The heart: call, key, tiers, semantic decision, single flight, policies."""
