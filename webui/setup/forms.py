from pydantic import Field

from appliance.core.web import Schema
from webui.fields import Email, Name, Password


class SetupForm(Schema):
    code: str = Field(min_length=1, max_length=40)
    person: Name
    email: Email
    password: Password
    tenant: Name
    locale: str = Field("pt_BR", max_length=10)
    timezone: str = Field("America/Sao_Paulo", max_length=60)
