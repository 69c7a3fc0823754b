"""Drives stacks of the program through Pulumi's Automation API."""
