"""Words: there are some in every language that is answered, and each placeholder is known when they are said."""

from collections.abc import Iterator
from typing import Any

from hookflash.matrix.findings import Finding, Steps, at, at_any, choices, one_or_more
from hookflash.matrix.wording import BUILTIN_WORDING, KNOWN_AT, MOMENTS, PLACEHOLDERS, VARIANTS, placeholders_of

OF_ROUTES = ("routes", "*", "say")
OF_NOBODY = (("nobody", "say"), ("routes", "*", "nobody", "say"))


def languages(document: Any) -> Iterator[Finding]:
    """Yield words that are missing in a language that is answered."""
    answered = list(one_or_more(document, ("business", "languages"))) or [(("business",), "en")]
    for path, key in at_any(document, (OF_ROUTES, *OF_NOBODY)):
        missing = [language for _, language in answered if isinstance(key, str) and not _has_words(document, language, key)]
        if missing and key not in MOMENTS:
            what = f"there are no words `{key}` in {', '.join(missing)}"
            yield Finding("missing-wording", path, what, f"add `{key}` under `wording` for each language")
    for path, language in answered:
        missing = [key for key in MOMENTS if not _has_words(document, language, key)]
        if missing:
            what = f"hookflash brings no words of its own in {language}; missing: {', '.join(missing)}"
            yield Finding("missing-wording", path, what, f"write them under `wording.{language}`")


def _has_words(document: Any, language: str, key: str) -> bool:
    for own in (language, language.partition("-")[0]):
        if any(isinstance(text, str) for _, text in at(document, ("wording", own, key))):
            return True
    return key in BUILTIN_WORDING.get(language.partition("-")[0], {})


def texts(document: Any) -> Iterator[Finding]:
    """Yield words that are empty and placeholders that cannot be filled."""
    for path, text in at(document, ("wording", "*", "*")):
        if isinstance(text, str) and not text.strip():
            yield Finding("empty-wording", path, "the words are empty: the customer would hear nothing", "write them, or remove the key")
        elif isinstance(text, str):
            yield from _placeholders(path, text)


def _placeholders(path: Steps, text: str) -> Iterator[Finding]:
    try:
        used = placeholders_of(text)
    except ValueError:
        what = "the braces do not match, or hold more than a name"
        yield Finding("bad-placeholder", path, what, "write placeholders like {callback_by}")
        return
    for name in sorted(used - PLACEHOLDERS):
        yield Finding("bad-placeholder", path, f"{{{name}}} is not a placeholder", choices(name, sorted(PLACEHOLDERS)))


def moments(document: Any) -> Iterator[Finding]:
    """Yield placeholders that are not known at the moment at which the words are said."""
    for path, text in at(document, ("wording", "*", "*")):
        for moment in sorted(moments_of(document, str(path[-1]))):
            for name in sorted((_used(text) & PLACEHOLDERS) - KNOWN_AT[moment]):
                known = ", ".join(f"{{{one}}}" for one in sorted(KNOWN_AT[moment]))
                what = f"{{{name}}} is not known when this is said ({(MOMENTS | VARIANTS)[moment]})"
                yield Finding("untimely-placeholder", path, what, f"leave it out; known then: {known}")


def moments_of(document: Any, key: str) -> set[str]:
    """Return the moments at which the words of a name are said."""
    said = {key} & {*MOMENTS, *VARIANTS}
    said |= {"acknowledge" for _, value in at(document, OF_ROUTES) if value == key}
    return said | {"nobody" for _, value in at_any(document, OF_NOBODY) if value == key}


def _used(text: Any) -> set[str]:
    try:
        return placeholders_of(text) if isinstance(text, str) else set()
    except ValueError:
        return set()
