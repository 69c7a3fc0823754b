"""Route 53: hosted zones and their records, with ministack as the store. No name is resolved."""
