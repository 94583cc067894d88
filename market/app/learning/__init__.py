"""Sellers that learn: days as steps of an environment, learners to start from, and a scale for what they earn."""
