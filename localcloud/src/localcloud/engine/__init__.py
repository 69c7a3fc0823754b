"""Pulumi's engine: the unmodified command line, from PATH or built from its Go module."""
