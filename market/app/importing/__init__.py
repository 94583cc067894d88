"""Scenarios from data that others publish: one module for each source, which says what it took and what not.

A source becomes a `Draft` (`draft`), drafts are joined (`joining`) and written as a folder that one reads and
edits (`folder`). Nothing here runs a market; libraries of the extra `import` are loaded when a source needs them.
"""
