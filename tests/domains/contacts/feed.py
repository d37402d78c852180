from appliance.core.uow import UnitOfWork


def emitted(uow: UnitOfWork) -> list[str]:
    return [row.name for row in uow.emitted]
