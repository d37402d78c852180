"""One module per process, and the list of domains they run."""
