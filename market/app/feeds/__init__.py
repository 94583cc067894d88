"""Sources of records: a market that runs elsewhere, a run folder, and what all of them tell of how they are."""
