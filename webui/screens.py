"""Every screen, one line each."""

from appliance.core.web import Pages

SCREENS: tuple[Pages, ...] = ()
