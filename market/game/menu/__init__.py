"""What one VPP could trade in a period with others whose final messages are given: the menu of (M6)."""
