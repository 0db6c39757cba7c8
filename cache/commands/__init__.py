"""The commands of ``askonce``, one module a subject; :mod:`askonce.cache.cli` puts them together."""
