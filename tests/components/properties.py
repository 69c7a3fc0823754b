"""How thoroughly properties are tried here: enough to find what matters, in seconds."""

from hypothesis import settings

# Without a deadline: it measures the machine, and what loads AWS's models is slow once.
briefly = settings(deadline=None, max_examples=50)
