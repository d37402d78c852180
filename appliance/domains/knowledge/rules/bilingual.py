"""A pocket dictionary of shop and service words, so that an English question finds a Portuguese rule and the other way round."""

from functools import lru_cache

from appliance.domains.knowledge.rules.vocabulary import SILENT
from appliance.domains.knowledge.rules.words import fold

_PAIRS = """
address endereço; appliance eletrodoméstico; appliances eletrodomésticos; appointment consulta; approval aprovação; assembly montagem; assemble montar; available disponível;
bank banco; bed cama; bill conta; book agendar; booking agendamento; branch unidade loja; bring trazer; broken defeito; buy comprar; bought comprei comprar; bought compra;
cancel cancelar; cancellation cancelamento; card cartão; cash dinheiro; chair cadeira; change trocar; cheap barato; check cheque; child criança; children crianças; city cidade;
class aula; clinic clínica; close fechar; closed fechada; clothes roupa; code código; color cor; commission comissão; company empresa; contract contrato; contact contato;
cost custo preço; course curso; cover cobrir; coverage cobertura; credit crédito; customer cliente; damage dano avaria; damaged avaria; date data; day dia; days dias; deadline prazo;
debit débito; deliver entregar; delivery entrega frete; deposit sinal entrada; discount desconto; doctor médico; document documento; documents documentos; door porta; down entrada;
electric elétrico; email e-mail; employee funcionário; enrolment matrícula; exam exame; exchange troca; expire expirar; extended estendida; family família; fee taxa; fees taxas;
fine multa; finance financiamento; floor andar; free grátis; freight frete; fridge geladeira; furniture móveis móvel; gift presente; guarantee garantia; holiday feriado; holidays feriados;
home casa; hotel hotel; hour hora; hours horas horário; house casa; income renda; install instalar; installation instalação; installment parcela; installments parcelas;
instalment parcela; instalments parcelas; insurance seguro; interest juros; invoice nota fiscal; item item produto; late atraso; lesson aula; limit limite; loan empréstimo;
lost perdido; manager gerente; mattress colchão; meal refeição; menu cardápio; minimum mínimo; maximum máximo; mind arrependimento desistir; monday segunda; money dinheiro; month mês; monthly mensal;
months meses; mother mãe; national nacional; new novo; notice aviso; number número; open abrir; opening abertura; order pedido; original original; package embalagem pacote;
packaging embalagem; parking estacionamento; part peça; parts peças; passport passaporte; patient paciente; pay pagar; payment pagamento; percent percentual; pet animal; phone telefone;
pickup retirada coleta; plan plano crediário; points pontos; policy política; price preço; product produto; professor professor; purchase compra; purchases compras; quote orçamento; rate taxa juros;
receipt recibo recebimento; receive receber; refrigerator geladeira; refund reembolso devolução; register cadastro; registration cadastro matrícula; rent aluguel; repair reparo conserto;
replace substituir trocar; replacement troca; reschedule remarcar; reservation reserva; result resultado; return devolver devolução; returns devoluções; room quarto sala; rule regra; salary salário;
sale venda; saturday sábado; schedule agenda horário; school escola; sell vender; send enviar; seniors idosos; service serviço; services serviços; ship enviar; shipping frete envio; shop loja; sofa sofá;
spare reserva; staff equipe; stairs escada; stock estoque; store loja; stove fogão; student aluno; students alunos; sunday domingo; supplier fornecedor; support suporte; table mesa; tax imposto;
teacher professor; technician técnico; term prazo; time tempo prazo; tomorrow amanhã; transfer transferência; tuition mensalidade; unit unidade; vaccine vacina; value valor; visit visita;
voucher vale; wait esperar; wardrobe guarda-roupa; warranty garantia; washer lavadora; washing lavadora; website site; week semana; weekend fim de semana; weight peso; window janela; withdraw desistir;
work funcionar; year ano; years anos; friday sexta; thursday quinta; wednesday quarta; tuesday terça; january janeiro; february fevereiro; march março; april abril; may maio; june junho;
accept aceitar; afternoon tarde; allowed permitido; animal animal; arrive chegada; bathroom banheiro; bus ônibus; car carro; cat gato; certificate certificado; consultation consulta; dog cachorro cão;
evening noite; follow-up retorno; location localização endereço; located localização endereço; morning manhã; night noite madrugada; overnight madrugada; room quarto; stay estadia hospedagem; street rua;
surgery cirurgia; test exame; tests exames; vaccination vacinação; vet veterinário; july julho; august agosto; september setembro; october outubro; november novembro; december dezembro
"""


@lru_cache(maxsize=2)
def dictionary(source: str) -> dict[str, tuple[str, ...]]:
    """Folded word of `source` → words of the other language."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in _PAIRS.replace("\n", " ").split(";"):
        english, *portuguese = pair.split()
        if source == "en":
            found[english] = found.get(english, ()) + tuple(portuguese)
        else:
            for word in portuguese:
                found[fold(word)] = (*found.get(fold(word), ()), english)
    return found


def translate(text: str, source: str) -> str:
    """Word by word; what is not in the dictionary (names, codes, numbers) stays, function words go."""
    known, silent = dictionary(source), SILENT[source]
    return " ".join(" ".join(known.get(word, () if word in silent else (word,))) for word in fold(text).replace("?", " ").replace(",", " ").split())
