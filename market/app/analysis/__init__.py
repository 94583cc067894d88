"""Studies of days: economics, sensitivity, the paper, comparison."""
