"""Elastic Load Balancing: Application Load Balancers that forward to targets by IP address."""
