"""Tools that watch and stop jobs; they never start one."""
