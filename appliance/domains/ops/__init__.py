"""The box kept safe: backups to targets, restore, restore drills and their receipts."""
