"""Games whose answers are known, solved by this program: what is published beside what is computed."""
