"""What secrets look like: the shapes that vendors publish for their keys."""

import re

_SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a bearer token": r"\b[Bb]earer\s+[\w.~+/-]{12,}",
    "a JSON web token": r"\beyJ[\w-]{8,}\.[\w-]{8,}\.",
    "an AWS key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "a GitHub token": r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}",
    "a GitLab token": r"\bglpat-[\w-]{16,}",
    "a Slack token or webhook": r"\bxox[abpors]-[\w-]{10,}|hooks\.slack\.com/services/\w+/\w+/\w+",
    "a Discord or Teams webhook": r"discord(app)?\.com/api/webhooks/\d+/[\w-]{20,}|webhook\.office\.com/webhookb2/[\w@/-]{20,}",
    "a Twilio key": r"\bSK[0-9a-f]{32}\b",
    "a SendGrid key": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "a Mailgun key": r"\bkey-[0-9a-f]{32}\b",
    "an npm token": r"\bnpm_\w{30,}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{30,}",
    "a Telegram token": r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",
    "a webhook signing secret": r"\bwhsec_[\w+/=]{12,}",
    "a Stripe or OpenAI key": r"\b[srp]k[-_](live|test|proj|ant)[-_][\w-]{12,}|\bsk-[\w-]{20,}",
    "a HubSpot token": r"\bpat-[a-z]{2,3}\d-[0-9a-f-]{20,}",
    "a Google key": r"\bAIza[\w-]{30,}|\bGOCSPX-[\w-]{16,}",
    "a Salesforce session": r"\b00D[A-Za-z0-9]{12,15}![\w.]{20,}",
    "an address with a password in it": r"\b\w+://[^\s/:@]+:[^\s/@]+@|\bsips?:[^\s:@]+:[^\s@]+@",
    "a password": r"\b(password|passwd|pwd|api_?key|secret|token)\s*=\s*[^\s{]{4,}",
}
SHAPES = {what: re.compile(shape, re.IGNORECASE if what == "a password" else 0) for what, shape in _SHAPES.items()}


def secret_in(text: str) -> str | None:
    """Return what kind of secret a text holds, or None."""
    return next((what for what, shape in SHAPES.items() if shape.search(text)), None)


def without_secrets(text: str) -> str:
    """Return a text with every secret in it replaced."""
    for shape in SHAPES.values():
        text = shape.sub("***", text)
    return text
