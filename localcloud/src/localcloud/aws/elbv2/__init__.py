"""Elastic Load Balancing: load balancers, target groups and listeners."""
