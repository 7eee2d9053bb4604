"""Foreign logs: a mapping in conf/sources/ says how the files of another platform become the tables of a delivery."""
