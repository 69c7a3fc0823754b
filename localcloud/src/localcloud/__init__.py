"""The stand-in cloud: what the deployment needs of AWS and Aura, on one machine."""
