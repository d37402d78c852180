"""From a file to blocks. `launcher` starts a child process with hard limits; everything else here runs inside that child."""
