"""The paper's case study and the facts it is to show."""
