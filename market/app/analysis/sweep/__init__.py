"""Many days of one study: which runs there are, what is told of each, and how they are written as they end."""
