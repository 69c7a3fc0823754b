"""Cognito: the parts that ministack answers differently from AWS."""
