"""The state of a run at any moment, as folds over its tape: snapshots, an event log, a timeline of both."""
