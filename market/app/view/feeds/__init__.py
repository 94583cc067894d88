"""Owns where a page's records come from: a recorded run, a running broker, a market in this process."""
