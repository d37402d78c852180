from pydantic import Field

from appliance.core.web import Schema
from webui.fields import Password


class SignInForm(Schema):
    email: str = Field(min_length=1, max_length=254)
    password: Password
    next: str = "/"


class PasswordForm(Schema):
    current: Password
    new: Password
