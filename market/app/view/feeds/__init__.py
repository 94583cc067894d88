"""Sources of a page's records: a recorded run, a running broker, a market in this process."""
