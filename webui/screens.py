"""Every screen, one line each."""

from appliance.core.web import Pages
from webui import faults
from webui.admin import views as admin
from webui.chat import views as chat
from webui.confirming import views as confirming
from webui.crm import views as crm
from webui.home import views as home
from webui.inbox import views as inbox
from webui.knowledge import views as knowledge
from webui.leaving import views as leaving
from webui.rating import views as rating
from webui.reference import views as reference
from webui.setup import views as setup
from webui.signin import views as signin
from webui.studio import views as studio

SCREENS: tuple[Pages, ...] = (
    setup.pages,
    signin.pages,
    home.pages,
    inbox.pages,
    knowledge.pages,
    studio.pages,
    chat.pages,
    leaving.pages,
    confirming.pages,
    rating.pages,
    crm.pages,
    admin.pages,
    reference.pages,
    faults.pages,
)
