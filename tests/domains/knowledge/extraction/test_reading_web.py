from appliance.domains.knowledge.types import BlockKind
from tests.domains.knowledge.extraction.paper import block, read, texts

PAGE = """<!doctype html><html><head><title>Ajuda</title><style>p{}</style></head><body>
<header><nav><a>Loja</a><a>Conta</a></nav><h1>Ajuda</h1></header>
<div class="cookie-consent">Usamos cookies. <button>Aceitar</button></div>
<main>%s</main><aside>Mais lidas</aside><footer>Todos os direitos reservados</footer><script>var x="segredo"</script></body></html>"""


def page(body: str) -> bytes:
    return (PAGE % body).encode()


def test_only_what_the_visitor_came_for_is_read() -> None:
    found = read(page("<h1>Ajuda</h1><p>Entregamos em <b>três</b> dias.</p>"), "ajuda.html")
    assert texts(found) == ["Ajuda", "Entregamos em três dias."]
    assert found.title == "Ajuda"


def test_details_definition_lists_and_question_headings_are_questions() -> None:
    body = ("<details><summary>Vocês montam?</summary><p>Sim, grátis.</p></details>"
            "<dl><dt>Prazo de troca</dt><dd>Trinta dias.</dd><dt>Frete</dt><dd>Por conta da loja.</dd></dl>"
            "<h3>Qual o horário?</h3><p>Das 9h às 18h.</p><ul><li>Sábado até 13h</li></ul>")
    found = read(page(body), "faq.html")
    asked = {part.text: part.heading_path[-1] for part in found.blocks if part.kind is BlockKind.FAQ_ANSWER}
    assert asked == {
        "Sim, grátis.": "Vocês montam?", "Trinta dias.": "Prazo de troca", "Por conta da loja.": "Frete",
        "Das 9h às 18h.": "Qual o horário?"}
    assert block(found, "Sábado").paragraph == block(found, "Das 9h").paragraph


def test_accordions_made_of_divs_and_buttons_are_questions() -> None:
    body = ('<div class="faq-item"><button class="accordion-button">Aceitam Pix?</button><div class="panel">Aceitamos.</div></div>'
            '<div class="faq-item"><div class="faq-question">Formas de entrega</div><div class="faq-answer">Correio e retirada.</div></div>'
            "<p><strong>Há garantia?</strong></p><p>De um ano.</p>")
    found = read(page(body), "faq.html")
    assert texts(found, BlockKind.FAQ_QUESTION) == ["Aceitam Pix?", "Formas de entrega", "Há garantia?"]
    assert texts(found, BlockKind.FAQ_ANSWER) == ["Aceitamos.", "Correio e retirada.", "De um ano."]


def test_tables_with_spans_captions_and_row_headers() -> None:
    body = ("<table><caption>Fretes</caption><tr><th>Zona</th><th>Prazo</th></tr><tr><td rowspan=2>Sul</td><td>2 dias</td></tr>"
            "<tr><td>4 dias</td></tr></table>"
            "<table><tr><th>CNPJ</th><td>00.000</td></tr><tr><th>Telefone</th><td>5555</td></tr></table>")
    found = read(page(body), "t.html")
    assert texts(found)[-5:] == ["Fretes", "Zona: Sul; Prazo: 2 dias", "Zona: Sul; Prazo: 4 dias", "CNPJ: 00.000", "Telefone: 5555"]


def test_layout_tables_are_text() -> None:
    inner = "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"
    body = f"<table><tr><td><p>Primeiro.</p></td></tr><tr><td>{inner}</td></tr></table>"
    assert texts(read(page(body), "t.html"))[1:] == ["Primeiro.", "A: 1; B: 2"]


def test_pages_that_lie_about_their_encoding_or_say_nothing() -> None:
    honest = "<html><body><p>Atenção à promoção de verão</p></body></html>"
    lying = honest.replace("<body>", '<head><meta charset="utf-8"></head><body>')
    for content in (honest.encode("cp1252"), honest.encode("utf-8"), lying.encode("cp1252"), honest.encode("utf-16")):
        assert texts(read(content, "p.html")) == ["Atenção à promoção de verão"]


def test_struck_out_text_and_comments_are_not_read() -> None:
    assert texts(read(page("<p>Custa <del>R$ 90</del> R$ 70<!-- secreto --></p>"), "p.html"))[1:] == ["Custa R$ 70"]


def test_a_fragment_without_html_around_it_is_still_html() -> None:
    piece = b"<div><h2>Troca</h2><p>Em 30 dias.</p><p>Com nota.</p></div>"
    assert texts(read(piece, "trecho.html")) == ["Troca", "Em 30 dias.", "Com nota."]


def test_a_question_alone_in_its_element_heads_what_follows() -> None:
    found = read(page("<div><div><span>Preciso agendar a vacina?</span></div><div><p>Não precisa.</p></div></div>"), "faq.html")
    assert block(found, "Não precisa").kind is BlockKind.FAQ_ANSWER
