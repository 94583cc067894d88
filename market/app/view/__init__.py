"""The page on which people watch a market in a browser. It needs the extra `view`."""
