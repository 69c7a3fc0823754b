"""Estimates what a stack costs in a month."""
