"""What messages are about, in words that customers of any trade use, Portuguese and English: one pattern a line, over folded text.

A line counts once. What stands in CLEAR says so by itself (2 points), what stands in LIKELY only beside something else (1).
"""

from appliance.domains.agents.rules.phrases import HELLO, PAY_BACK, WISH
from appliance.domains.conversations.types import Topic

DAY = r"(hoje|amanha|ontem|segunda|terca|quarta|quinta|sexta|sabado|domingo|semana que vem|tomorrow|today|(mon|tues|wednes|thurs|fri|satur|sun)day)"
MINE = "(meu|minha|meus|minhas|my|nosso|nossa)"
GOODS = r"(pedidos?|encomendas?|compras?|entregas?|produtos?|mercadorias?|orders?|package|parcel|delivery)"

CLEAR: dict[Topic, str] = {
    Topic.OFF_TOPIC: rf"""
        \b(piada|poema|poesia|futebol|horoscopo|previsao do tempo|vai chover|receita de \w+|presidente|eleic\w+|quem (ganhou|venceu)|capital d[aeo]|signo)\b
        \b(ignor\w+|esquec\w+|desconsider\w+|ignore|forget|disregard) .{{0,20}}\b(instruc\w+|regras|instructions?|rules|prompts?)\b
        \b(system prompt|prompt do sistema|finja (que|ser)|aja como|faca de conta|pretend (to|you)|act as|modo desenvolvedor|developer mode)\b
        \b(foi engano|numero errado|telefone errado|wrong number|mandei errado|pessoa errada)\b
        \b(esse|este) (numero|telefone|zap|whats\w*|contato) (aqui )?(e|eh|nao e|nao eh) (d[aeo] |mais d[aeo] )(?!voces|vcs|loja|empresa)\w+
        ^({HELLO}\W+)?(\w+ )?(e|eh) (o|a|vc|voce|tu)\W+\w+\?*$
        \b(tell me a joke|poem|who won|weather|homework|licao de casa|traduz\w*|resolve (essa|a) (conta|equacao))\b
    """,
    Topic.ORDER_STATUS: rf"""
        \b(cade|onde (esta|ta|anda|foi parar)|status|rastre\w+|acompanhar|andamento)\b.{{0,20}}\b({MINE}|{GOODS})\b
        \bnao (me )?(chegou|chegaram|veio|apareceu|entregaram|recebi|foi entregue)\b
        \b(era|ficou) (pra|para|de) (ter )?(cheg\w+|vir|entreg\w+|{DAY})\b
        \b(esta|ta|ficou|ja esta|ja ta) pront[oa]\b
        \b(codigo de rastreio|rastreamento|ja (saiu|foi enviad[oa]|despach\w+)|quando (vai )?cheg\w+ (o |a )?{MINE})\b
        \b(pedido|pv|os|ordem|protocolo|nota|compra|order|tracking)\W{{0,3}}(n|no|num|numero|number|#)?\W{{0,3}}\d{{3,}}\b
        \b(where is|where's|track(ing)?|status of) (my|the) \w+
        \b(has ?n.?t|has not|not|never) (yet )?(arrived|come|been delivered|received)\b
    """,
    Topic.COMPLAINT: r"""
        \b(ninguem|nao|nem) (me )?(avis\w+|deu (uma )?(satisfacao|retorno|resposta)|deram (satisfacao|retorno|resposta)|apareceu|ligou|resolv\w+)\b
        \b(veio|vieram|chegou|chegaram|recebi|entregaram)\b.{0,30}\b(errad[oa]s?|riscad[oa]s?|quebrad[oa]s?|amassad[oa]s?|violad[oa]s?|danificad[oa]s?|faltando|estragad[oa]s?|fri[oa])\b
        \b(cobraram|cobrou|cobrad[oa]|cobranca|taxa)\b.{0,20}\b(errad[oa]|indevid[oa]|a mais|duas vezes|em dobro|abusiv[oa])\b
        \b(e|mas) (ate agora |ate hoje )?nada\b|\b(outr[oa]|segund[oa]|terceir[oa]) \w+ com (defeito|problema)\b|\bpor escrito\b
        \b(promet\w+|falaram|disseram|garantiram)\b.{0,40}\b(nao|nada|nunca)\b
        \b(nobody|no one) (told|called|answer\w*|showed)|\b(arrived|came) (broken|damaged|wrong|cold|late)\b|\bcharged (me )?(twice|wrong\w*|too much)\b
    """,
    Topic.RETURNS: rf"""
        \b(quero|queria|posso|podem?|consigo|da pra|preciso|vou|aceitam?|tem como|voces|vcs|gostaria de) (\w+ )?troc(ar|o|a|am)\b(?! (de|o) (oleo|pneu|lampada))
        \b(devol\w+|reembols\w+|estorn\w+|arrepend\w+|{PAY_BACK}|politica de troca\w*|prazo (de|pra|para) troca\w*|trocas e)\b
        \b(cancelar|cancelo|cancelamento|desistir|desist\w+ d[aeo])\b
        \b(refund\w*|money back|return (it|this|policy|my|the|an|a)|returns|exchange (it|this|for)|cancel (my|the|it))\b
    """,
    Topic.WARRANTY: r"""
        \bgarantia\w*\b
        \b(warranty|guarantee\w*)\b
        \b(seguro|protecao) estendid[oa]\b
    """,
    Topic.SUPPORT: r"""
        \b(instala\w+|montagem|montador\w*|montam|desmont\w+|monta pra|tecnicos?|assistencia|manutencao|consert\w+|arrum(ar|am))\b
        \bnao (\w+ )?(liga|funciona\w*|carrega|conecta|abre|esquenta|gela|esfria|imprime|entra|acende|sai agua|emit\w+|esta \w+ndo|ta \w+ndo)\b
        \b(parou de|com defeito|deu (erro|problema|defeito)|defeituos[oa]|travando|trava|quebrou|queimou|sem (internet|sinal|acesso|conexao))\b
        \bcomo (eu )?(uso|usa|ligo|liga|configur\w+|instal\w+|limp[ao]|mont[ao])\b
        \b(install\w*|assembl\w*|technician|repair\w*|crash\w*|not working|(does ?n.?t|won.?t|can.?t) (work|turn on|start|open|connect)|set ?up|broken)\b
    """,
    Topic.SCHEDULING: rf"""
        \b(agend\w+|reagend\w+|remarc\w+|desmarc\w+|marcar|marco|horario vago|encaix\w+)\b
        \b(tem|teria|ha) (\w+ )?(horario|vaga|agenda)\b.{{0,25}}\b{DAY}\b
        \b(pode|podem|da pra|posso|consigo|da) (ser|visitar|ir|passar|vir|conhecer|fazer uma visita)\b.{{0,20}}\b({DAY}|manha|tarde|noite|\d{{1,2}}h)\b
        \b(appointments?|re?schedul\w+|book (a|an) (visit|time|slot|table|call))\b
    """,
    Topic.HOURS_PLACE: rf"""
        \b(que|qual|q|quais|a que|ate que) (o )?(horas?|horarios?)\b
        \bhorario (de|da|do|dos|das) (funcionamento|atendimento|loja|voces|vcs|almoco|\w+)\b
        \b(abre|abrem|fecha|fecham|abert[oa]s?|funcionam?)\b.{{0,25}}\b({DAY}|feriado|noite|almoco|ate|que horas)\b
        \b(enderecos?|onde (fica\w*|voces ficam|e a loja|eh a loja|voces estao|vcs ficam)|localizacao|como (eu )?cheg[ao]|estacionamento|filial|ponto de referencia)\b
        \b(plantao|telefone d[aeo]|numero d[aeo] (telefone|loja))\b
        \b(what time|opening hours|(are|is) (you|it|the \w+) open|open (on|until|till|today)|what.?s (the|your) address|where (are|is|do|can|in)|located|parking|check.?(in|out))\b
    """,
    Topic.PAYMENT: r"""
        \b(pix|boleto|cartao|cartoes|debito|dinheiro vivo|a vista|vale|formas? de pagamento|convenio|plano de saude|reembolso do plano)\b
        \b(pagar|pago|pagamento|paguei|2a via|segunda via|fatura|nota fiscal|emitem? nota|cobra(ram|do|nca)|cobraram)\b
        \b(pay(ing|ment|ments)?|invoice|credit card|debit card|bank transfer|charged|bill)\b
        \b(aceit(a|am)|passam?) (o |a |no |na |em |cartao )?(\w+)\b(?! (troca|devolu))
    """,
    Topic.CREDIT: r"""
        \b(crediario|financia\w+|juros|score|serasa|spc|negativad[oa]|nome (\w+ )?(sujo|limpo)|carne|consignado|emprestimo|fiador|analise de credito)\b
        \b(parcela\w*|parcelinha\w*|prestac\w+|divide|dividir|em quantas vezes|\d+ ?(x|vezes))\b
        \b(renegoci\w+|negociar|acordo)\b.{0,25}\b(divida|parcela\w*|debito|atras\w+|conta)\b
        \b(divida|em atraso|atrasad[oa]s?.{0,15}parcela\w*|parcela\w*.{0,15}atrasad[oa]s?)\b
        \b(installments?|financ(e|ing)|interest rate|credit (check|score|plan)|debt|monthly payments)\b
    """,
    Topic.WHOLESALE: r"""
        \b(atacado|revend\w+|cnpj|pessoa juridica|pj|faturad[oa]|licita\w+|em quantidade|grande quantidade|preco especial|lojista|construtora|corporativ\w+)\b
        \b(para|pra|da|minha|nossa|somos|sou d[aeo]|tenho) (uma? |a |o )?(empresas?|hotel|hoteis|pousada|restaurante|condominio|escritorio|clinica|escola|rede|loja|revenda|obra)\b
        \b(wholesale|bulk|(my|our) (company|business|hotel|office|restaurant)|reseller|nonprofits?|corporate)\b
    """,
    Topic.DELIVERY: r"""
        \b(frete|entreg(a|am|as|ar|ue|uem)|delivery|envio|enviam|envia pra|taxa de entrega)\b
        \b(retirar|retirada|retiro|buscar) (na|no|em|a) \w+
        \b(shipping|deliver(y|ies)?|ship to|do you ship|pick ?up)\b
    """,
    Topic.PRICE: r"""
        \b(precos?|valor|valores|orcamento|orca|desconto|descontinho|promocao|promocoes|mais (barato|em conta)|tabela|mensalidade|taxa de matricula)\b
        \b(quanto|qto|qnto|qt|quant) (que )?(custa\w*|e|eh|fica\w*|sai\w*|ta|tao|esta\w*|vale|cobra\w*|voces cobram|vcs cobram|seria|da|pra)\b
        \b(ta|esta|sai|fica|custa) (por )?(quanto|qto|qnto)\b
        \b(car[ao]s?|carinh[ao])\b(?! amig)
        \b(price|prices|pricing|costs?|how much|quote|discounts?|expensive|cheaper)\b
    """,
    Topic.AVAILABILITY: r"""
        \b(estoque|disponivel|disponiveis|disponibilidade|pronta entrega|em falta|esgot\w+|reposicao|acabou)\b
        \b(in stock|available|availability|sold out|do you (have|sell|carry))\b
        \b(tem|teria|vende|vendem|trabalham? com|voces tem|vcs tem)\b.{0,40}\b(ai|ainda|a[ií] na loja|na loja|na cor|de cor|no tamanho|vaga)\b
    """,
    Topic.BUYING: rf"""
        \b({WISH}|vou) (querer|levar|comprar|fechar|encomendar|pedir|assinar|contratar|matricular|reservar|ficar com)\b
        \b(quero|me ve|me da|manda|pode mandar|preciso de|eu levo|levo|procuro|procurando) (mais )?(um|uma|dois|duas|tres|\d+) (?!desconto|reembolso|atendente|reais|%|nota)\w+
        \b(manda|me manda|envia|gera) (o |um )?(contrato|link|pedido)\b
        \b(i.?d like to|i want to|ready to|can i) (buy|order|sign up|purchase|subscribe)|\b(sign (me )?up|book it|hold one|place an order)\b
        \b(i )?(need|want|looking for) (a|an|some|two|three|\d+) (new )?(?!refund|person|human|discount|manager|real)\w+
    """,
    Topic.PRAISE: r"""
        \b(parabens|nota (dez|10|mil)|amei|adorei|amamos|adoramos|ador(o|a|ando)|que (maravilha|beleza|otimo|lindo)|excelente|maravilhos[oa]s?|sensaciona\w+|otim[oa] (atendimento|servico|trabalho|loja))\b
        \b(muito satisfeit[oa]|super recomendo|recomendo|elogi\w+|show de bola|capricho|nota maxima|(gostei|gostamos) (muito|demais|bastante)|(super|fui|muito) (muito )?bem atendid[oa]|(atendimento|equipe|servico|entrega|voces|vcs) (\w+ )?(sao|foi|e|eh|esta) (\w+ )?(otim[oa]s?|excelentes?|maravilhos[oa]s?|rapid[oa]s?|atencios[oa]s?|top|demais|incriveis)|melhor (loja|atendimento|empresa))\b
        \b(love(d)? (it|the|our|your|my)|great (service|job|work|experience)|excellent|amazing|awesome|highly recommend|best (service|store|team))\b
    """,
}

LIKELY: dict[Topic, str] = {
    Topic.ORDER_STATUS: rf"""
        \b{MINE} {GOODS}\b
        \b(atras\w+|e nada|ate agora|ate hoje|remarc\w+|late|delayed)\b
    """,
    Topic.RETURNS: r"""
        \bcomprei\b.{0,60}\b(nao (combin\w+|gost\w+|serv\w+|coub\w+|era|e o que)|cor|tamanho|pequen\w|grande)\b
        \b(nao serviu|ficou (pequen\w|grande|apertad\w|larg\w)|veio (errad\w|trocad\w|riscad\w|quebrad\w|com defeito)|outra cor|outro tamanho|sem a? ?nota|multa)\b
        \b(wrong (size|colou?r|item)|does ?n.?t fit|damaged)\b
    """,
    Topic.WARRANTY: r"""
        \b(comprei (em|no|na|faz|ha|tem)|cobre|cobertura|estendida|covered?)\b
    """,
    Topic.SUPPORT: r"""
        \b(barulho|vaza\w*|pingando|problema|erro|defeito|manual|voltagem|sistema|app|internet|error|problem)\b
    """,
    Topic.SCHEDULING: rf"""
        \b(pode ser|horario|visita|avaliacao|consulta)\b
        \b{DAY}\b.{{0,12}}\b(as|at|de manha|de tarde|a tarde|manha|\d{{1,2}}h)\b
    """,
    Topic.HOURS_PLACE: r"""
        \b(feriado|lojas?|unidade|domingo|sabado|bairro de voces|shopping|showroom)\b
    """,
    Topic.CREDIT: r"""
        \b(entrada|comprovante de renda|renda|limite|vencimento|aprova\w*|credit)\b
    """,
    Topic.PAYMENT: r"""
        \b(maquininha|transferencia|troco|nota|link (pra|para) pagar)\b
    """,
    Topic.WHOLESALE: r"""
        \b([2-9]\d|\d{3,}) (unidades|pecas|usuarios|pessoas|por (dia|mes)|users|units|people|\w+s de)\b
        \b(empresas?|proposta|parceria|por unidade|nessa quantidade|company|business|compro muito|eventos?)\b
    """,
    Topic.PRICE: r"""
        \b(planos?|pacotes?|plan)\b
        \bpor (r\$ ?)?\d+|\br\$ ?\d|\b\d+ (reais|conto|pila|dollars|bucks)\b
    """,
    Topic.DELIVERY: r"""
        \b(bairro|cep|cidade|regiao|zona rural|prazo|quantos dias|quanto tempo|motoboy|caminhao|how long)\b
    """,
    Topic.AVAILABILITY: r"""
        \b(tem|teria|vende|vendem)\b
    """,
    Topic.BUYING: r"""
        \b(fechad[oa]|fechou|fecho|levo|encomend\w+)\b
    """,
    Topic.PRAISE: r"""
        \b(lind[oa]s?|perfeit[oa]|otim[oa]s?|gostei|gostamos|muito bo[am]|atencios[oa]s?|rapid[oa]s?|nice|lovely|happy)\b
    """,
}
