"""Replays a run: computes every decision on its tape again and compares it with the recorded one."""
