"""Settings of hypothesis: enough examples to find what matters, in seconds."""

from hypothesis import settings

# A deadline would measure the machine, and the first load of AWS's models is slow.
briefly = settings(deadline=None, max_examples=50)
