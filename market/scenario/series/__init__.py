"""Series from files as people have them (CSV, Parquet, Excel), brought to periods and units of a scenario."""
