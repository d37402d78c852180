from appliance.core.manifest import Manifest
from appliance.domains.branding.api import api
from appliance.domains.branding.events import BrandChanged
from appliance.domains.identity.types import OPERATOR

MANIFEST = Manifest(
    "branding",
    apis=(api,),
    permissions={"brand:write": ("owner", "admin", OPERATOR), "box_brand:write": (OPERATOR,)},
    live={BrandChanged: "tenant:read"},
)
