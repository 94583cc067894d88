"""The commands `vppmarket experiment …`: studies that run many days and write one folder."""
