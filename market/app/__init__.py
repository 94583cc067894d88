"""Owns what people meet: command line, run folder, summaries. Outermost layer: nothing else imports it."""
