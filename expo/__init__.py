"""A virtual trade-expo live server. Layers stand in the order that `pyproject.toml` lints; nothing is executed here."""
