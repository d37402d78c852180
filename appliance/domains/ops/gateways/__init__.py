"""The programs that backups are made with: restic, and the databases' own."""
