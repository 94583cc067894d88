"""The paper's case study: its models, its tables, the facts it states and how robust each of them is."""
