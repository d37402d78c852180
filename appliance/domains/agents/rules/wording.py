"""Sentences an agent says when its settings have none of their own."""

from appliance.domains.agents.types import Policy

_SENTENCES: dict[str, dict[str, str]] = {
    "pt": {
        "greeting": "Olá! Como posso ajudar?",
        "thanks": "Por nada! Se precisar de mais alguma coisa, é só chamar.",
        "farewell": "Até mais! Quando precisar, é só mandar uma mensagem.",
        "noted": "Entendi. Se tiver uma pergunta ou quiser falar com uma pessoa da equipe, é só dizer.",
        "identity": "Sou o assistente virtual{company}, um programa, e respondo pelos documentos. Se preferir, chamo uma pessoa da equipe.",
        "fallback": "Não encontrei essa informação aqui. Pode me dar mais detalhes ou perguntar de outro jeito?",
        "handoff_notice": "Vou chamar uma pessoa da nossa equipe para continuar com você. Ela responde por aqui.",
        "sorry": "Sinto muito por isso.",
        "closed_notice": "Uma pessoa da nossa equipe vai continuar com você. O atendimento abre {when}, e sua mensagem já está na fila.",
    },
    "en": {
        "greeting": "Hello! How can I help?",
        "thanks": "You're welcome! If you need anything else, just write.",
        "farewell": "See you! Write whenever you need us.",
        "noted": "I see. If you have a question or would like a person from the team, just say so.",
        "identity": "I am the virtual assistant{company}, a program that answers from documents. I can call a person if you like.",
        "fallback": "I could not find that here. Could you give me more details or ask in another way?",
        "handoff_notice": "I am calling someone from our team to continue with you. They will answer right here.",
        "sorry": "I am sorry about this.",
        "closed_notice": "Someone from our team will continue with you. We open {when}, and your message is already in line.",
    },
}
_OF = {"pt": " de ", "en": " of "}


def sentence(name: str, language: str, policy: Policy) -> str:
    """The agent's own words when the contact speaks its language, else ours in the contact's."""
    own = policy.sentences.get(name, "")
    if own and policy.language == language:
        return own
    return plain(name, language, policy)


def plain(name: str, language: str, policy: Policy) -> str:
    """Ours, whatever the agent's own words are."""
    of_company = f"{_OF[language]}{policy.company}" if policy.company else ""
    return _SENTENCES[language][name].replace("{company}", of_company)
