"""Pages for people, by screen. `screens` lists them, `shell` gives them their frame; nothing imports this but the entrypoints."""
