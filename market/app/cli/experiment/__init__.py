"""The commands `vppmarket experiment …`."""
