from types import SimpleNamespace
from uuid import UUID

from webui.naming import person_name


def test_contacts_without_a_name_can_be_told_apart():
    nobody = {"name": "", "phone_e164": None, "phone_raw": None, "email": None, "company": None}
    one, other = (SimpleNamespace(id=UUID(int=number), **nobody) for number in (0xA1B2, 0xC3D4))
    assert (person_name(one), person_name(other)) == ("Unnamed contact A1B2", "Unnamed contact C3D4")
