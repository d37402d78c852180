from appliance.core.manifest import Check, Cron, Gauge, Manifest
from appliance.domains.ops import jobs, queries

MANIFEST = Manifest(
    "ops",
    cron=(Cron("run_due", jobs.run_due, every=jobs.EVERY, queue="slow"),),
    permissions=dict.fromkeys(("backups:read", "backups:write", "keys:read", "keys:write"), ("operator",)),
    checks=(
        Check("backups", jobs.check_backups, thorough=True),
        Check("point in time", jobs.check_archive, thorough=True),
        Check("before restore", jobs.check_left, thorough=True),
    ),
    metrics=(
        Gauge("backup_last_success_timestamp_seconds", "When the last good one began.", ("target", "kind"), queries.last_successes),
        Gauge("backup_rpo_seconds", "The age at which the last good backup is too old.", (), queries.longest_loss),
        Gauge("backup_journal_reached_timestamp_seconds", "Up to when the journal is stored.", ("target",), queries.archive_reaches),
        Gauge("backup_copy_failures", "Copies of the cluster that failed since the last good one.", ("target",), queries.copy_failures),
        Gauge("backup_journal_limit_seconds", "The age at which the stored journal is too old.", (), queries.longest_archive_age),
    ),
)
