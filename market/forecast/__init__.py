"""Forecasts by simple models, and the schedule of who knows how wrong they may be."""
