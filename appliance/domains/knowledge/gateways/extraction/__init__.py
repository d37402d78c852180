"""From a file to blocks. `launcher` has a child read it that has hard limits; everything else here runs inside that child."""
