"""The rules for what a stack may be and how it may change, and what judges by them."""
