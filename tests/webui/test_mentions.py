from markupsafe import Markup, escape

from webui.inbox.mentions import marked

TEAM = ["Ana Prado", "Ana Paula", "João D'Ávila", " "]


def test_colleagues_in_a_note_stand_out_by_their_longest_name():
    shown = marked(escape("@ana prado e @João D'Ávila, ou @ana; x@ana.example"), TEAM)
    named = [Markup('<span class="mention">@{}</span>').format(name) for name in ("ana prado", "João D'Ávila", "ana")]
    assert shown == Markup("{} e {}, ou {}; x@ana.example").format(*named)


def test_what_is_written_stays_text():
    hostile = marked(escape("@Ana <img onerror=alert(1)> @Outro"), TEAM)
    assert hostile == Markup('<span class="mention">@Ana</span> &lt;img onerror=alert(1)&gt; @Outro')
    assert marked(escape("@Ana"), []) == "@Ana"
