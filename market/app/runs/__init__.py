"""Ways to run a day: in one process, over processes, step by step; resuming one that broke off."""
