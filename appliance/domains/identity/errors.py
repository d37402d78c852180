from appliance.core.errors import Conflict, Forbidden, NotFound, Refused, Unauthenticated
from appliance.core.i18n import lazy_gettext as _


class WrongCredentials(Unauthenticated):
    """Unknown e-mail, wrong password, disabled account: never told apart."""

    def __init__(self) -> None:
        super().__init__(_("The e-mail or the password is not right."))


class SessionOver(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(_("This sign-in is no longer valid. Sign in again."))


class LastOwner(Conflict):
    def __init__(self) -> None:
        super().__init__(_("An organisation needs an owner. Make somebody else an owner first."))


class SlugTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(_("Another organisation already uses this short name. Choose another."))


class RoleInUse(Conflict):
    def __init__(self) -> None:
        super().__init__(_("People still have this role. Give them another one first."))


class AlreadySetUp(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This box is already set up. Sign in instead."))


class AlreadyMember(Conflict):
    def __init__(self) -> None:
        super().__init__(_("This person is already a member."))


class WeakPassword(Refused):
    def __init__(self, sentence: object, field: str = "password") -> None:
        super().__init__(sentence, fields={field: sentence})


class SetupCodeWrong(Refused):
    def __init__(self) -> None:
        sentence = _("This setup code is not valid. Print a new one with: salesedge setup-code")
        super().__init__(sentence, fields={"code": sentence})


class InvitationOver(Refused):
    def __init__(self) -> None:
        super().__init__(_("This invitation is no longer valid. Ask for a new one."))


class UnknownPermission(Refused):
    def __init__(self, names: str) -> None:
        sentence = _("These permissions do not exist: %(names)s.", names=names)
        super().__init__(sentence, fields={"permissions": sentence})


class BeyondOwnRights(Forbidden):
    def __init__(self) -> None:
        super().__init__(_("You cannot give rights that you do not have yourself."))


class NotByKey(Forbidden):
    def __init__(self) -> None:
        super().__init__(_("An API key cannot do this. Sign in as a person."))


class NoSuchTenant(NotFound):
    def __init__(self) -> None:
        super().__init__(_("There is no such organisation."))


class NoSuchMember(NotFound):
    def __init__(self) -> None:
        super().__init__(_("There is no such member."))
