"""When a market rests: detection of quiescence and of cycles, and the verdict on each period."""
