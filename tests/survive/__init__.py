"""What a box has to live through: networks that go, servers that stall, providers that say things twice and in the wrong order."""
