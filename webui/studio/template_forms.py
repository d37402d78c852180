"""A template as flat fields of a browser, and as the domain takes it."""

from itertools import zip_longest

from pydantic import Field

from appliance.core.web import Schema
from appliance.domains.channels.types import Button, ButtonKind, Parts, TemplateCategory, TemplateKind, Variable

Texts = list[str]
ROWS = {TemplateKind.WHATSAPP: 4, TemplateKind.CHAT: 3}  # buttons that the form shows


class TemplateForm(Schema):
    """Lists are columns: the first button is the first of each. `button_value`: the page it opens or the number it calls.
    `file_name`: of the file that is chosen or that the template has, for the preview.
    """

    name: str = Field("", max_length=512)
    channel_id: str = Field("", max_length=36)
    language: str = Field("pt_BR", max_length=15)
    category: TemplateCategory = TemplateCategory.UTILITY
    media: str = Field("", max_length=20)
    header: str = Field("", max_length=500)
    body: str = Field("", max_length=20_000)
    footer: str = Field("", max_length=500)
    advice: bool = False
    minutes: int = Field(0, ge=0, le=90)
    button_kind: Texts = Field(default_factory=list, max_length=10)
    button_text: Texts = Field(default_factory=list, max_length=10)
    button_value: Texts = Field(default_factory=list, max_length=10)
    button_example: Texts = Field(default_factory=list, max_length=10)
    variable_name: Texts = Field(default_factory=list, max_length=60)
    variable_source: Texts = Field(default_factory=list, max_length=60)
    variable_example: Texts = Field(default_factory=list, max_length=60)
    file_name: str = Field("", max_length=240)
    then: str = Field("", max_length=10)

    def variables(self) -> tuple[Variable, ...]:
        rows = zip_longest(self.variable_name, self.variable_source, self.variable_example, fillvalue="")
        return tuple(Variable(name, source, example[:200]) for name, source, example in rows if name)

    def parts(self) -> Parts:
        return Parts(
            header="" if self.media else self.header, media=self.media, body=self.body.replace("\r\n", "\n"), footer=self.footer,
            buttons=tuple(self._buttons()), variables=self.variables(), advice=self.advice, minutes=self.minutes,
        )  # fmt: skip

    def _buttons(self) -> list[Button]:
        rows = zip_longest(self.button_kind, self.button_text, self.button_value, self.button_example, fillvalue="")
        return [_button(*row) for row in rows if row[1] or row[2] or (row[0] == ButtonKind.COPY and row[3])]


def _button(kind: str, text: str, value: str, example: str) -> Button:
    known = ButtonKind(kind) if kind in set(ButtonKind) else ButtonKind.REPLY
    url, phone = (value if known is wanted else "" for wanted in (ButtonKind.URL, ButtonKind.PHONE))
    return Button(known, text[:60], url[:2000], phone[:30], example[:200])
