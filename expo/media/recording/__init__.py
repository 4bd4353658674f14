"""Recordings: what a room's Feeds say, kept as CMAF files with an index; knows no product, transcodes nothing."""
