from typing import Any

from appliance.domains.agents.types import Expected, FirstQuestion, Template

_MANNERS = "Frases curtas, tom gentil e direto. Só afirma o que está nos documentos; o que não está, diz que não sabe."
_ANY_COMPANY = (
    FirstQuestion("quero falar com um atendente", Expected.PERSON),
    FirstQuestion("quais dados meus vocês têm?", Expected.PERSON),
    FirstQuestion("quem ganhou a copa do mundo de 1994?", Expected.UNKNOWN),
)


def _template(kind: str, name: str, purpose: str, role: str, settings: dict[str, Any], *questions: FirstQuestion) -> Template:
    return Template(kind, "pt", name, purpose, {"language": "pt", "role": f"{role} {_MANNERS}", **settings}, (*questions, *_ANY_COMPANY))


_WEEK = ("mon", "tue", "wed", "thu", "fri")
_COLLECTION_HOURS = [{"day": day, "opens": "08:00", "closes": "20:00"} for day in _WEEK] + [
    {"day": "sat", "opens": "08:00", "closes": "14:00"}
]

TEMPLATES = (
    _template(
        "sdr", "Pré-vendas", "Responde quem se interessa, esclarece e chama um vendedor quando a pessoa quer comprar.",
        "Você faz o primeiro atendimento de vendas: explica produtos, preços e condições e mostra o próximo passo.",
        {
            "greeting": "Olá! Posso tirar suas dúvidas sobre nossos produtos e condições. O que você procura?",
            "fallback": "Isso eu ainda não sei dizer com certeza. Pode me contar um pouco mais do que você precisa?",
            "purpose_notice": "Ótimo! Vou chamar alguém de vendas para continuar com você por aqui.",
            "handoff": {
                "on_buying": True, "after_fallbacks": 2,
                "keywords": ["proposta", "reunião", "demonstração", "visita técnica", "falar com vendas"],
            },
        },
        FirstQuestion("quero contratar agora", Expected.PERSON),
        FirstQuestion("podem me mandar uma proposta?", Expected.PERSON),
    ),
    _template(
        "support", "Suporte", "Resolve dúvidas de quem já é cliente e passa a uma pessoa o que é reclamação ou urgência.",
        "Você atende clientes que já compraram: explica como usar, o que fazer quando algo falha e o que a garantia cobre.",
        {
            "greeting": "Olá! Conte o que está acontecendo e eu ajudo a resolver.",
            "fallback": "Não encontrei a solução para isso. Pode descrever de outro jeito o que acontece?",
            "purpose_notice": "Vou passar para alguém do suporte, que continua com você por aqui.",
            "confidence_floor": 0.5, "unsure": "fallback",
            "handoff": {"on_negative": True, "on_buying": False, "keywords": ["cancelar contrato", "fora do ar", "chamado", "protocolo"]},
        },
        FirstQuestion("é a terceira vez que reclamo e ninguém resolve", Expected.PERSON),
        FirstQuestion("quero saber do meu chamado", Expected.PERSON),
    ),
    _template(
        "scheduling", "Agendamento", "Explica horários, preparo e endereços; quem quer marcar ou desmarcar fala com uma pessoa.",
        "Você ajuda a preparar um atendimento: horários, endereços, preparo, documentos e regras de remarcação.",
        {
            "greeting": "Olá! Posso ajudar com horários, endereços e como se preparar. O que você precisa?",
            "purpose_notice": "Vou chamar a recepção para ver os horários com você por aqui.",
            "handoff": {
                "on_buying": True,
                "keywords": ["agendar", "marcar", "remarcar", "desmarcar", "encaixe", "cancelar a consulta", "cancelar o horário"],
            },
        },
        FirstQuestion("quero marcar um horário para quinta", Expected.PERSON),
        FirstQuestion("preciso remarcar", Expected.PERSON),
    ),
    _template(
        "collections", "Cobrança", "Explica formas de pagamento e segunda via com respeito; acordos e contestações vão a uma pessoa.",
        "Você ajuda quem tem uma conta em aberto a pagar. Nunca ameaça, nunca expõe, nunca fala da dívida com terceiros"
        " (Código de Defesa do Consumidor, art. 42).",
        {
            "greeting": "Olá! Posso explicar as formas de pagamento e como emitir a segunda via. Como posso ajudar?",
            "purpose_notice": "Vou chamar alguém do financeiro para ver isso com você por aqui.",
            "confidence_floor": 0.5, "unsure": "fallback",
            "guardrails": {"forbidden_phrases": ["Serasa", "SPC", "protesto em cartório", "negativar", "nome sujo", "processo judicial"]},
            "handoff": {
                "on_negative": True, "on_buying": False, "after_fallbacks": 1,
                "keywords": ["acordo", "renegociar", "parcelar a dívida", "já paguei", "comprovante", "não reconheço", "cobrança indevida"],
            },
            "hours": {"spans": _COLLECTION_HOURS, "when_closed": "answer"},
        },
        FirstQuestion("quero fazer um acordo", Expected.PERSON),
        FirstQuestion("não reconheço essa cobrança", Expected.PERSON),
    ),
    _template(
        "ecommerce", "Loja virtual", "Responde sobre produtos, frete, prazo e troca; o que deu errado num pedido vai a uma pessoa.",
        "Você atende os clientes de uma loja virtual: produtos, medidas, frete, prazo de entrega, pagamento, troca e devolução.",
        {
            "greeting": "Olá! Posso ajudar com produtos, frete, prazos e trocas. O que você procura?",
            "purpose_notice": "Vou chamar alguém da loja para olhar o seu pedido e continuar por aqui.",
            "handoff": {
                "on_buying": False, "on_negative": True,
                "keywords": [
                    "não chegou", "veio errado", "veio quebrado", "com defeito", "estorno", "cancelar o pedido", "cancelar meu pedido",
                ],
            },
        },
        FirstQuestion("meu pedido não chegou", Expected.PERSON),
        FirstQuestion("o produto veio com defeito", Expected.PERSON),
    ),
)  # fmt: skip
