from appliance.domains.ops.actions.archiving import archive, stop_archiving
from appliance.domains.ops.actions.drilling import drill, public_key, sweep_scratch, verify_receipt
from appliance.domains.ops.actions.listing import list_backups
from appliance.domains.ops.actions.restoring import ASIDE, restore
from appliance.domains.ops.actions.rewinding import restore_to
from appliance.domains.ops.actions.runs import ask_for_run
from appliance.domains.ops.actions.taking import back_up
from appliance.domains.ops.actions.targets import check_target, forget_backups

__all__ = [
    "ASIDE", "archive", "ask_for_run", "back_up", "check_target", "drill", "forget_backups", "list_backups", "public_key",
    "restore", "restore_to", "stop_archiving", "sweep_scratch", "verify_receipt",
]
