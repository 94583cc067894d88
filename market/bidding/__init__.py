"""Bidding: what a VPP makes public of its plan: roles, volumes, satisfaction and reserve."""
