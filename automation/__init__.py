"""Deploys a stack, checks it, reports on it and destroys it, by Pulumi's Automation API."""
