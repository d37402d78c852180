"""How what happened is said in the words of other gateways, and when it is not worth saying any more. Pure."""
