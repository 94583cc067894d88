"""Studies of days: economics, sensitivity, forecast errors, the paper, comparison."""
