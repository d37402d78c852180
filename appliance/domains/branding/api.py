from appliance.core.web import Api, Call
from appliance.domains.branding import queries, schemas

api = Api("branding")


@api.get("/brand", permission="tenant:read", unit=False, returns=schemas.BrandValues)
def get_brand(call: Call) -> schemas.BrandValues:
    """What the organisation's people see: its own brand, completed by the box's."""
    with call.box.whole_box("brand of an organisation", read_only=True) as uow:
        return queries.get_look(uow, call.who.tenant_id)
