from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.rules import text
from appliance.domains.contacts.schemas import ContactSettingsIn
from appliance.domains.contacts.tables import ContactSettings


def change_settings(uow: UnitOfWork, wanted: ContactSettingsIn) -> ContactSettings:
    settings = queries.get_settings(uow)
    settings.default_region, settings.opt_out_words = wanted.default_region, text.tidy_tags(wanted.opt_out_words)
    uow.session.add(settings)
    return settings
