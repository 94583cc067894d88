"""Many days in a row: each planned as far ahead as is asked for, a part of it kept, its end carried on (M16)."""
