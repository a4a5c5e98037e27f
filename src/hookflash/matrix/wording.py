"""The words said to customers. Each says only what is so at the moment it is used.

acknowledge   said with the decision: the request is stored, a person will be asked; nobody is rung yet
crisis        the same, with what to do in danger
connecting    said once a desk holds the brief and a responder is being rung
ringing       said once a responder is being rung while the desk has not yet acknowledged the brief
nobody        said once a promise with that due time is stored
waiting       instead of an assistant's reply while a person is awaited
assistant     instead of a draft that claims to be human
"""

from string import Formatter

from hookflash.matrix.schema import Matrix

PLACEHOLDERS = frozenset({"business", "responder", "callback_by", "ticket"})

BUILTIN_WORDING: dict[str, dict[str, str]] = {
    "en": {
        "acknowledge": "I will get a person for you. I am passing on what you told me, so you do not have to repeat it.",
        "crisis": "I am asking a person to come to you right now. If you or someone with you is in danger, "
        "call your local emergency number immediately.",
        "connecting": "I am ringing {responder} now. They already have what you told me.",
        "ringing": "I am ringing {responder} now.",
        "nobody": "Nobody is free to take over right now. Your request is ticket {ticket}, with everything you told me, "
        "and a person will get back to you by {callback_by}.",
        "waiting": "A person has been asked to take over. I have added that for them.",
        "assistant": "I am an AI assistant. You can ask for a person at any time.",
    },
    "es": {
        "acknowledge": "Voy a buscar a una persona para usted. Le paso lo que me ha contado, así no tendrá que repetirlo.",
        "crisis": "Estoy pidiendo ahora mismo a una persona que le atienda. Si usted o alguien a su lado está en peligro, "
        "llame de inmediato al número de emergencias.",
        "connecting": "Estoy llamando a {responder}. Ya tiene lo que usted me ha contado.",
        "ringing": "Estoy llamando a {responder}.",
        "nobody": "En este momento nadie puede atenderle. Su solicitud es el número {ticket}, con todo lo que me ha contado, "
        "y una persona se pondrá en contacto con usted antes de {callback_by}.",
        "waiting": "Ya se ha pedido a una persona que le atienda. Lo he añadido para ella.",
        "assistant": "Soy un asistente de inteligencia artificial. Puede pedir una persona cuando quiera.",
    },
}


def placeholders_of(text: str) -> set[str]:
    """Return the names of the placeholders in a text. Raises `ValueError` where it is not well formed."""
    parts = list(Formatter().parse(text))
    if any(form or conversion for _, _, form, conversion in parts):
        raise ValueError("placeholders take no format")
    return {name for _, name, _, _ in parts if name is not None}


def words(matrix: Matrix, language: str, key: str, **values: str) -> str:
    """Return the words for a key in a language: the matrix' own, else the built-in ones, else in the main language."""
    main = matrix.business.languages[0]
    for candidate in (language, language.partition("-")[0], main, main.partition("-")[0], "en"):
        text = matrix.wording.get(candidate, {}).get(key) or BUILTIN_WORDING.get(candidate, {}).get(key)
        if text is not None:
            known = dict.fromkeys(PLACEHOLDERS, "") | {"business": matrix.business.name, **values}
            return text.format_map(known)
    raise KeyError(f"Bug! no words {key!r} in any language")
