"""What one VPP could gain by another day: the trade open to it in each period, (M6)."""
