"""Looks, before anything is created, for what AWS would refuse in the middle of a deployment."""
