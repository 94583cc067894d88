"""Fair shares of what a coalition is worth: Shapley value, nucleolus, bargaining, who would gain by leaving."""
