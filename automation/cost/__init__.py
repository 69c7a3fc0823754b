"""Estimates what monitoring costs in a month."""
