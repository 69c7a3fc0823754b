"""Metric math.

parsing     from an expression's text to its tree
evaluation  from a tree and time series to a time series
"""
