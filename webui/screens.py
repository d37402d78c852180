"""Every screen, one line each."""

from appliance.core.web import Pages
from webui.admin import views as admin
from webui.setup import views as setup
from webui.signin import views as signin

SCREENS: tuple[Pages, ...] = (
    setup.pages,
    signin.pages,
    admin.pages,
)
