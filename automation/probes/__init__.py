"""Questions about AWS's behavior that anybody with an account can answer: `automation probe`.

The stand-in is compared with the answers, and until there are some, with AWS's documents.
"""

from automation.probes.probe import Probe
from automation.probes.registry import PROBES

__all__ = ["PROBES", "Probe"]
