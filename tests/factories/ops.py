from appliance.core.ids import new_id
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState


def make_drill(uow):
    run = BackupRun(id=new_id(), kind=RunKind.DRILL, target="usb", state=RunState.DONE, asked_at=uow.now, receipt={"result": "passed"})
    uow.session.add(run)
    uow.session.flush()
    return run.id


PATH_PARAMETERS = {"backup_run_id": make_drill}
