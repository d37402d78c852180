"""Reading, finding and quoting, as pure decisions over plain values."""
