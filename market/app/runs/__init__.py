"""Ways to run a day: in one process, over processes, step by step; taking one up again."""
