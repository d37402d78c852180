"""Ways people say things to any company, in Portuguese and English: one pattern a line, over folded text."""

from appliance.domains.agents.types import Intent

PERSON = "(atendentes?|human[oa]s?|pessoas?|gente|vendedor(a|es)?|gerente|consultor(a|es)?|responsavel|supervisor(a)?|especialista|alguem)"
REACH = "(falar|fala|conversar|atendid[oa]|contato|ligar|ligue|chama\\w*|passa\\w*|transf(er|ir)\\w*|encaminha\\w*|direciona\\w*)"
PERSON_EN = "(human|person|agent|someone|somebody|representative|rep|manager|supervisor|operator|salesperson)"

ROBOT = "((um |uma )?(robos?|bot|chatbot|maquina|computador|ia|inteligencia artificial|pessoa|human[oa]|gente)( mesmo| de verdade| real)?)"
ROBOT_EN = "((a |an )?(real |actual |live )?(robot|bot|chatbot|machine|computer|ai|human|person))"
HELLO = "(oi+|ola|bom dia|boa tarde|boa noite)"
SPEAKER = "(voce|vc|vcs|tu|ce|isso|isto|aqui|quem fala|quem responde)"
FAMILY = "(marid|espos|mulher|mae|pai|filh|namorad)"
WISH = "(quero|queria|preciso|gostaria de)"
PAY_BACK = "(dinheiro|valor|grana) de volta"

HARM = (
    r"\b(caiu|desabou|despencou) (em cima|sobre) d?[aeo]?\b|\b(esta|ta|foi|parou|levei|levamos) (no|pro|para o|ao) (hospital|pronto socorro)\b"
    r"|\b(me machuquei|se machucou|machucad[oa]|ferid[oa]|me queimei|se queimou|(at|to|in) (the )?(hospital|emergency room|er)|(got|was|is) (hurt|injured))\b"
)
WHO_ANSWERS = rf"""
    (^\W*({HELLO}\W+)?|\b{SPEAKER}\W+)(e|eh|es) (mesmo )?{ROBOT}( ou \W*((e|eh) )?{ROBOT})*\W*$
    \b(estou|to|tou) falando com {ROBOT}( ou {ROBOT})*\W*$
    \b(are you|is this|am i (talking|speaking|chatting) (to|with)) {ROBOT_EN}( or {ROBOT_EN})*\W*$
"""

PHRASES: dict[Intent, str] = {
    Intent.WANTS_PERSON: rf"""
        \b{REACH}\b(\W+\w+){{0,4}}?\W+{PERSON}\b
        \b(quero|queria|preciso|gostaria de|prefiro|tem|cade)\W+(\w+\W+){{0,2}}?(atendente|human[oa]|gerente|supervisora?|vendedora?)\b
        (?<!\be uma )(?<!\beh uma )(?<!falando com uma )\bpessoa (de verdade|real|humana)\b
        \bcom quem (eu )?(falo|posso falar|converso|trato)\b
        \b({WISH}|posso|deixa eu) (falar|conversar|tratar) (direto )?com (o|a|seu|dona|meu|minha) (?!bot|robo|{FAMILY})\w+
        \b(quero|cade|preciso d)o? (o |a )?responsavel\b
        ^(um )?(atendente|humano|humana|pessoa|gerente|vendedor|vendedora|supervisor)( por favor)?\W*$
        \batendimento (humano|pessoal|com (uma )?pessoa)\b
        \b(me liga|me liguem|pode(m)? me ligar|alguem (me )?(liga|ligue|ligar|retorna|retornar|atende))\b
        \bnao (quero|vou|adianta) (mais )?(falar|conversar) com (um |o )?(robo|maquina|bot)\b
        \b(talk|speak|chat|connect|transfer|put)\b(\W+\w+){{0,4}}?\W+{PERSON_EN}\b
        \b(want|need|get|prefer)\W+(to \w+ )?(a|an|some|real|live)\W+(real |live )?{PERSON_EN}\b
        ^(human|agent|representative|operator|real person)( please)?\W*$
        \b(call me back|someone (to )?call me|give me a call)\b
    """,
    Intent.COMPLAINT: r"""
        \breclama(r|cao|coes|ndo)\b
        \b(procon|reclame aqui|juizado|pequenas causas|advogad[oa]|processar voces|processo judicial|meus direitos|ouvidoria)\b
        \b(codigo de defesa do consumidor|vou (denunciar|processar)|(abrir|entrar com|mover) (um )?processo|entrar na justica)\b
        \bja (liguei|pedi|falei|mandei|escrevi|reclamei|tentei|cobrei)\b.{0,20}\b(vezes|varias|mil|e nada|e ninguem)\b
        \b(segunda|terceira|quarta|quinta|enesima|\d+a?) vez (que|q)\b
        \b(enganad[oa]|lesad[oa]|golpe|propaganda enganosa|palhacada|falta de respeito|descaso|desrespeito|absurdo|vergonha|revoltad[oa])\b
        \b(ninguem|nunca) (me )?(resolve|resolveu|responde|respondeu|retorna|retornou|atende|atendeu)\b
        \b(complain\w*|lawyer|sue you|legal action|consumer protection|better business bureau|scam|fraud|rip ?off|outrageous)\b
        \b(second|third|fourth|fifth) time (that )?(i|you|this|it)\b
    """,
    Intent.TASK: rf"""
        \b({WISH}|vou|solicito) (cancelar|renegociar|negociar|devolver|trocar|remarcar|reagendar|desmarcar)\b(?!.*\?)
        \b(quero|exijo|devolv\w+|cade) (o |a )?(meu |minha )?({PAY_BACK}|reembolso|estorno|devolucao)\b
        \bquero que (tirem?|cancelem?|retirem?|devolvam?|resolvam?|abram?|mandem?|refacam?|troquem?)\b
        \b(abr[ea]m?|abrir|registr[ae]m?|faz|faca) (\w+ )?(chamado|protocolo|reclamacao|ocorrencia|pedido pra mim)\b(?!.*\?)
        \b(posso|podemos|vou|quero|como) (mandar|enviar|mando|envio) (\w+ )?(documentos?|comprovantes?|fotos?)( \w+)? (por )?(aqui|aki)\b
        \bquando (ele|ela|voces|vcs|o tecnico|alguem|o montador|o motorista) (pode|podem|vem|vira|conseguem?) \w+
        {HARM}
        \b(i want|i need|i would like|i'd like) (to cancel|to return|to reschedule|to renegotiate|a refund|my money back)\b(?!.*\?)
        \b(open|file|register) (a|the) (ticket|case|claim)\b(?!.*\?)
        \b(can|may) i send (my |the )?(documents?|receipts?|photos?|pictures?) here\b
    """,
    Intent.PRIVACY: r"""
        \b(lgpd|gdpr|encarregado de dados|dpo)\b
        \b(apag\w+|exclu\w+|delet\w+|remov\w+|acess\w+|copia d)\W+(\w+\W+){0,2}?(meus|minhas) (dados|informacoes)\b
        \b(apag\w+|exclu\w+|delet\w+|encerr\w+) (o |a )?(meu (cadastro|cpf|numero|historico)|minha conta)\b
        \b(quais|que) dados (meus|voces tem)\b
        \b(delete|erase|remove|access|copy of)\W+(\w+\W+){0,2}?my (personal )?(data|information|account)\b
    """,
    Intent.NEGATIVE: r"""
        \b(pessim[oa]|horrivel|terrivel|ridicul[oa]|lixo|porcaria|decepcionad[oa]|decepcao|insatisfeit[oa]|chatead[oa]|irritad[oa])\b
        \b(indignad[oa]|raiva|odeio|pior (loja|empresa|atendimento|servico)|nunca mais (compro|volto|vou)|cansad[oa] de|saco cheio)\b
        \b(terrible|horrible|awful|worst|disappointed|frustrat\w+|angry|unacceptable|ridiculous|fed up|never again|useless)\b
    """,
    Intent.PRICE: r"""
        \b(precos?|valor|valores|orcamento|desconto|promocao|mais barato|mais em conta)\b
        \b(quanto|qto|qnto) (custa\w*|e|eh|fica|sai|ta|esta|vale|cobra\w*)\b
        \b(price|prices|pricing|costs?|how much|quote|discount)\b
    """,
    Intent.PAYMENT: r"""
        \b(pagar|pagamento|pix|boleto|cartao|parcel\w+|a vista|crediario|financia\w+|nota fiscal|segunda via)\b
        \b(pay|payment|invoice|credit card|installments?|refund|charged)\b
    """,
    Intent.BUYING: r"""
        \b(fechad[oa]|fechou|vamos fechar|quero fechar|pode fechar|vou (querer|levar|ficar com))\b
        \bquero (comprar|levar|contratar|assinar) (um|uma|o|a|esse|essa|este|esta|dois|duas|agora|ja|hoje)\b
        \b(me )?manda (o |um )?(link|contrato|boleto|pix)\b
        \bpode (separar|reservar|emitir|faturar)\b
        \b(separa|reserva|guarda|segura|deixa separad[oa])( \w+)? (pra|para) (mim|eu|gente|nos)\b
        \b(i('| wi)ll take (it|one|two)|want to (buy|order|sign up for) (it|one|this|that|the)|let'?s close|ready to (buy|order))\b
        \bsend me the (link|contract|invoice)\b
    """,
    Intent.THANKS: r"""
        \b(obrigad[oa]|obg|brigad[oa]|vlw|valeu|agradec\w+|gratidao|thanks|thank you|thx|appreciate)\b
    """,
    Intent.FAREWELL: r"""
        \b(tchau|ate (mais|logo|amanha|breve)|falou|bye|goodbye|see you)\b
    """,
    Intent.IDENTITY: WHO_ANSWERS,
    Intent.GREETING: r"""
        ^\W*(oi+e?|ola|opa|eai|e ai|alo|bom dia|boa tarde|boa noite|hi|hello|hey|good (morning|afternoon|evening))\b
    """,
}

ASKS = r"""
    \?
    \b(qual|quais|quanto|quanta|quantos|quantas|qto|qtos|qts|quando|qdo|onde|aonde|como|quem|cade|porque|por que|pq|sera)\b
    \b(tem|teria|aceita|atende|entrega|vende|faz|fazem|cobra|abre|fecha|pode|poderia|consegue|da pra|existe|voces|vcs?|que horas|o que|oq)\b
    \b(quero|queria|gostaria|preciso|procuro|saber|duvida|pergunta|informac\w+|ajuda|me (fala|diz|diga|manda|passa|explica|informa))\b
    \b(nao (chegou|funciona|liga|veio|consigo|recebi)|nunca|atras\w+|quebr\w+|defeito|problema|estrag\w+|vazando|pingando|parou|e nada)\b
    \b(what|which|how|when|where|who|why|do you|does|can|could|is|are|need|want|looking for|tell me|problem|broken|late|missing)\b
"""

FILLER = """
    viu ta tah bem bom boa pra pro para por pela pelo ai aqui la entao agora ja so mesmo ne neh sim nao tudo td certo
    certinho todos todas voce voces vc vcs vce ce senhor senhora sr sra dona seu moco moca mocinha querido querida amor
    flor linda lindo meu minha mano cara parceiro chefe chefia patrao tio tia amigo amiga anjo gente pessoal galera
    equipe time amigos viuu ok okay okk blz beleza ajuda atencao informacao info resposta retorno atendimento paciencia
    gentileza carinho dica demais pelas pelos a o as os de do da em e me nos te foi era eh isso mais deus abencoe
    bastante muitissimo mil vezes imenso otimo otima dia tarde noite semana descanso fim bons boas vai vamos to indo
    estao esta estou como que q com very much lot for your the help that this is was all you guys sir madam maam man
    mate dear friend buddy team everyone again have nice day good great one wonderful how are doing there today and too
    really appreciate it kind
"""

COURTESY = rf"""
    {WHO_ANSWERS}
    \b(oi+e?|ola|opa|eai|e ai|alo|bom dia|boa tarde|boa noite|tudo (bem|bom|certo|joia)|td (bem|bom)|obrigad[oa]|obg|brigad[oa]|muito)\b
    \b(vlw|valeu|tchau|ate (mais|logo|amanha|breve)|falou|ok|certo|entendi|blz|beleza|perfeito|otimo|joia|show|legal|pela|pelo|atencao)\b
    \b(ajuda|gente|pessoal|amig[oa]|voces?|vcs?|e|por)\b
    \b(hi|hello|hey|good (morning|afternoon|evening)|how are you|there|thanks|thank you|so much|thx|bye|goodbye|see you|okay|great)\b
    \b(perfect|got it|for|your|the|help)\b
"""

PORTUGUESE = """
    o os um uma de do da dos das em no na que nao e com por para pra pro voces vc vcs tem eu meu minha qual quanto como quando onde
    boa bom dia tarde noite oi ola sim obrigado obrigada ja foi ta
"""
ENGLISH = """
    the an of in on at to is are do does you your i my what how when where which can have has with for and not it this that hi hello
    yes please thanks
"""


def patterns(lines: str) -> list[str]:
    return [line.strip() for line in lines.splitlines() if line.strip()]
