"""Words that every shop, clinic and school shares: function words, chat abbreviations, synonyms. No company's own words."""

_SILENT_PT = """
a o as os um uma uns umas de da do das dos em na no nas nos num numa por pelo pela pelos pelas para pra pro pras pros com ao aos e ou que se
eu voce voces ele ela eles elas nos me te lhe meu minha meus minhas seu sua seus suas dele dela nosso nossa esse essa esses essas este esta
estes estas isso isto aquele aquela aqueles aquelas aquilo ai la aqui ali ja so mais muito tambem mas como qual quais quando quanto quanta
quantos quantas onde quem porque pois entao ate sobre entre sem sob apos depois antes ser sou e era sao foi eram fosse seja sera estar estou
esta estao estava ter tenho tem temos tinham tinha tiver teria haver ha houve vai vou vao ir indo fica ficar ficam dar da dao deu pode posso
podem poder poderia quero queria quer querer gostaria saber sabe fazer faz fazem faco feito preciso precisa precisam oi ola bom boa tudo bem blz obrigado obrigada favor gente moco moca ne ta to tava tao la voces oi daquele daquela desse dessa deste desta neste nesta
nesse nessa isso algum alguma alguns algumas todo toda todos todas outro outra outros outras cada nao sim assim agora hoje ontem
amanha ainda sempre nunca coisa alguem ninguem nada algo conseguir consigo consegue dizer diz falar existe existem aconteceu acontece
acontecer devo deve devem dever maior melhor serve possivel informar informacao duvida pergunta perguntar gostei acho achar queremos pq la nem sai saem veio vem vir venho
"""
_SILENT_EN = """
a an the of in on at by for to from with and or that this these those it its is are was were be been being am do does did doing done have has
had having i you he she we they me him her us them my your his our their what which who whom when where why how can could will would shall
should may might must if so than then there here as about into over after before also just not no yes hi hello hey thanks thank please pls u
ur im ive id dont cant whats hows there any some all each other same very much many need want wanna know tell like get got give there's
"""
SILENT = {"pt": frozenset(_SILENT_PT.split()), "en": frozenset(_SILENT_EN.split())}

SHORT_PT = {
    "vc": "voce", "vcs": "voces", "ce": "voce", "ces": "voces", "qto": "quanto", "qnto": "quanto", "qnt": "quanto", "qt": "quanto",
    "qta": "quanta", "qtos": "quantos", "qntos": "quantos", "qts": "quantos", "qnts": "quantos", "qtas": "quantas", "qntas": "quantas",
    "qd": "quando", "qdo": "quando", "qndo": "quando", "hj": "hoje", "amnh": "amanha", "tb": "tambem", "tbm": "tambem", "tbem": "tambem",
    "pq": "porque", "q": "que", "oq": "o que", "td": "tudo", "tds": "todos", "msm": "mesmo", "msg": "mensagem", "mto": "muito",
    "mt": "muito", "mta": "muita", "pra": "para", "pro": "para o", "p": "para", "p /": "para", "c": "com", "c /": "com", "n": "nao",
    "ñ": "nao", "nn": "nao", "s": "sim", "blz": "beleza", "obg": "obrigado", "vlw": "valeu", "pf": "por favor", "pfv": "por favor",
    "tel": "telefone", "fone": "telefone", "cel": "celular", "end": "endereco", "zap": "whatsapp", "wpp": "whatsapp", "whats": "whatsapp",
    "wapp": "whatsapp", "hr": "hora", "hrs": "horas", "min": "minutos", "seg": "segunda", "sab": "sabado", "dom": "domingo", "ap": "apartamento",
    "apto": "apartamento", "pgto": "pagamento", "pagto": "pagamento", "parc": "parcela", "desc": "desconto", "promo": "promocao",
    "doc": "documento", "docs": "documentos", "nf": "nota fiscal", "cc": "cartao de credito", "vlr": "valor", "dps": "depois", "agr": "agora",
    "neh": "ne", "tah": "ta", "eh": "e", "naum": "nao", "vdd": "verdade", "cmg": "comigo", "fds": "fim de semana",
    "kd": "onde fica", "cade": "onde fica",
}
SHORT_EN = {"pls": "please", "plz": "please", "thx": "thanks", "u": "you", "r": "are", "ur": "your", "hrs": "hours", "info": "information", "w": "with"}
SHORT = {"pt": SHORT_PT, "en": SHORT_EN}

NUMERALS = {
    "pt": dict(zip("dois duas tres quatro cinco seis sete oito nove dez onze doze treze quatorze quinze vinte trinta quarenta cinquenta".split(),
                   "2 2 3 4 5 6 7 8 9 10 11 12 13 14 15 20 30 40 50".split(), strict=True)),
    "en": dict(zip("two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty".split(),
                   "2 3 4 5 6 7 8 9 10 11 12 15 20 30 40 50".split(), strict=True)),
}

SYNONYMS = {
    "pt": (
        "preco valor custo custa custam cobra cobram cobrar taxa tarifa pagar mensalidade",
        "prazo demora demorar tempo",
        "horario hora horas abre abrem abrir fecha fecham funciona funcionam funcionamento atende atendimento",
        "telefone fone numero contato ligar",
        "endereco localizacao rua avenida",
        "frete entrega entregar entregam envio enviar",
        "gratis gratuito gratuita isento isenta graca",
        "cancelar cancelamento desistir desistencia",
        "trocar troca devolver devolucao",
        "estorno reembolso reembolsar devolucao restituicao",
        "conserto consertar reparo reparar assistencia",
        "cartao credito debito",
        "parcelar parcelas parcela vezes dividir",
        "celular smartphone iphone",
        "mostruario exposicao",
        "estacionar estacionamento vaga",
        "presente presentear",
        "expira expirar expiram validade vale vencer vence vencimento",
        "comprar compra comprei",
        "animal animais pet pets cachorro cao cadela",
        "animal animais pet pets gato gata",
        "idoso idosa terceira",
        "aceitar aceita aceitam aceito atende atendem",
        "retirar retirada buscar",
        "levar trazer traga leve",
        "obrigatorio exigir exige exigido necessario",
        "fotos foto imagem",
        "desconto abatimento promocao",
        "obra reforma",
        "email mail eletronico",
        "gerente responsavel supervisor",
        "documento documentos identidade",
        "marcar agendar agendamento agenda remarcar",
        "atraso atrasar atrasado atrasada atrasei",
        "minimo minima menor",
        "maximo maxima maior",
        "salario remuneracao",
        "voltagem tensao volts",
        "cota quota",
        "vaca vacas bovino bovina boi gado",
        "leite leiteira leiteiro lactacao",
    ),
    "en": (
        "price cost costs charge fee value rate",
        "open opens opening hours close closes closing",
        "deliver delivery ship shipping",
        "free gratis complimentary",
        "return returns refund exchange",
        "repair fix service warranty",
        "phone telephone number contact",
        "address location located",
        "cancel cancellation",
        "buy purchase bought",
        "instalment installment instalments installments",
        "store shop",
    ),
}
