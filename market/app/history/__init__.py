"""What stood when in a run, as folds over its journal."""
