"""A new or changed document may answer what none did."""

from appliance.core.jobs import Step
from appliance.domains.knowledge.actions import reasking
from appliance.domains.knowledge.events import CorpusMeasured


def reask_gaps(step: Step, event: CorpusMeasured) -> None:
    del event
    answered = reasking.reask_gaps(step.box, step.tenant_id)
    with step.finish() as uow:
        reasking.close_gaps(uow, answered)
