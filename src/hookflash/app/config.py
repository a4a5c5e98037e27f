"""Settings from the environment. Secrets come from here or from files, never from the matrix."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hookflash.errors import ConfigError

DATABASE_URL = "HOOKFLASH_DATABASE_URL"
API_KEY, API_KEYS = "HOOKFLASH_API_KEY", "HOOKFLASH_API_KEYS"
HEARTBEAT_URL, ALARM_URL = "HOOKFLASH_HEARTBEAT_URL", "HOOKFLASH_ALARM_URL"
ALARM_EMAIL, SMTP_URL = "HOOKFLASH_ALARM_EMAIL", "HOOKFLASH_SMTP_URL"
PAGERDUTY_KEY, PAGERDUTY_URL = "HOOKFLASH_PAGERDUTY_KEY", "HOOKFLASH_PAGERDUTY_URL"
# Shorter keys can be guessed at the rate a server answers.
MIN_KEY_CHARACTERS = 16


MODEL_URL, MODEL_NAME, MODEL_KEY = "HOOKFLASH_MODEL_URL", "HOOKFLASH_MODEL", "HOOKFLASH_MODEL_KEY"
MODEL_DEADLINE, MODEL_BAA = "HOOKFLASH_MODEL_DEADLINE", "HOOKFLASH_MODEL_BAA"
DEFAULT_MODEL_DEADLINE = 1.5


class ModelSettings(NamedTuple):
    """Where a language model gives a second opinion on turns, and how many seconds it may take."""

    url: str
    name: str
    key: str | None
    deadline: float


def model_settings(environment: Mapping[str, str], *, regulated: bool) -> ModelSettings | None:
    """Return the settings of the model, or None where no address is set.

    Raises `ConfigError` for settings that cannot be, and for a model outside the boundary of protected data.
    """
    url = environment.get(MODEL_URL)
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{MODEL_URL} is not an http address; write the one that ends in /v1")
    if not environment.get(MODEL_NAME):
        raise ConfigError(f"{MODEL_URL} is set and {MODEL_NAME} is not; name the model to ask")
    if regulated and environment.get(MODEL_BAA) != "yes":
        raise ConfigError(
            f"the matrix is regulated, so that customers' words may not leave its boundary; unset {MODEL_URL}, "
            f"or set {MODEL_BAA}=yes where an agreement covers that model"
        )
    try:
        deadline = float(environment.get(MODEL_DEADLINE, DEFAULT_MODEL_DEADLINE))
    except ValueError:
        deadline = 0.0
    if not 0.0 < deadline <= 10.0:
        raise ConfigError(f"{MODEL_DEADLINE} must be a number of seconds up to 10, such as 1.5")
    return ModelSettings(url, environment[MODEL_NAME], environment.get(MODEL_KEY), deadline)


def database_at(matrix: Path, given: str | Path | None = None) -> Path | str:
    """Return where the database is: a file's path, or the address of a PostgreSQL database.

    It is what was `given`, else what `HOOKFLASH_DATABASE_URL` says, else `hookflash.db` beside the matrix. Raises
    `ConfigError` for an address of another kind.
    """
    named = str(given) if given is not None else os.environ.get(DATABASE_URL)
    if not named:
        return matrix.resolve().parent / "hookflash.db"
    kind, is_address, _ = named.partition("://")
    if given is not None and not is_address:
        return Path(named)
    if named.startswith("sqlite:///"):
        return Path(named.removeprefix("sqlite:///"))
    if is_address and kind in ("postgresql", "postgres"):
        return "postgresql" + named.removeprefix(kind)
    source = DATABASE_URL if given is None else "--database"
    what = f"names a {kind} database" if is_address and kind.isalnum() else "is not a database URL"
    raise ConfigError(f"{source} {what}; write sqlite:///path/to/file.db or postgresql://user@host/name")


def api_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the tenant of each API key.

    `HOOKFLASH_API_KEY` is the key of the default tenant; `HOOKFLASH_API_KEYS` lists `tenant=key` pairs by commas.
    Raises `ConfigError` for a pair without `=`, a key shorter than 16 characters, or a key given twice.
    """
    pairs = [("default", key)] if (key := environment.get(API_KEY)) else []
    for pair in filter(None, environment.get(API_KEYS, "").split(",")):
        tenant, equals, key = pair.strip().partition("=")
        if not equals:
            raise ConfigError(f"{API_KEYS} holds a pair without `=`; write it as tenant=key,tenant=key")
        pairs.append((tenant, key))
    keys: dict[str, str] = {}
    for tenant, key in pairs:
        if len(key) < MIN_KEY_CHARACTERS:
            raise ConfigError(
                f"the API key of tenant `{tenant}` has fewer than {MIN_KEY_CHARACTERS} characters; make one with `openssl rand -hex 24`"
            )
        if key in keys:
            raise ConfigError(f"tenants `{keys[key]}` and `{tenant}` have the same API key; give each its own")
        keys[key] = tenant
    return keys
