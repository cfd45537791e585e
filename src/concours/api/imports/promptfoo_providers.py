"""Providers of promptfoo as models: those at addresses that speak OpenAI's protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from concours.api.imports.imported import Notes
from concours.api.imports.promptfoo_files import spread
from concours.api.imports.recorded import called
from concours.core.errors import DataError

_ADDRESSES: Final[Mapping[str, tuple[str, str]]] = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "togetherai": ("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "ollama": ("http://localhost:11434/v1", ""),
}
"""Where models of a provider are asked, and in which variable its key is."""
_WAYS: Final = ("chat", "responses")
"""Words between a provider and a model."""
_MODEL: Final = re.compile(r"[A-Za-z0-9._/:@+-]+")
_PASSED: Final = {"temperature": float, "top_p": float, "seed": int, "max_tokens": int, "max_completion_tokens": int}
_READ: Final = {*_PASSED, "stop", "apiKey", "apiKeyEnvar", "apiBaseUrl", "apiHost", "cost", "inputCost", "outputCost"}
_ENV: Final = re.compile(r"\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}")


def providers_of(given: Any, folder: Path, notes: Notes) -> list[dict[str, Any]]:
    """Tables of entrants; providers that are asked in another way are noted.

    Raises:
        DataError: one is neither a name nor a mapping, or a value of its configuration is none.
    """
    return [table for each in _each(given, folder, notes) if (table := _table(*each, notes)) is not None]


def _each(given: Any, folder: Path, notes: Notes) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The id of each provider, its label and its configuration."""
    for item, _ in spread(given, folder, "providers", notes):
        if isinstance(item, list):
            yield from _each(item, folder, notes)
        elif isinstance(item, str):
            yield item, "", {}
        elif isinstance(item, dict) and isinstance(item.get("id"), str):
            yield from _one(item["id"], item, notes)
        elif isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict):
            yield from _one(*next(iter(item.items())), notes)  # by its id
        else:
            raise DataError("providers: expected names, or mappings with id and config")


def _one(name: str, item: Mapping[str, Any], notes: Notes) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for key in item.keys() - {"id", "label", "config"}:
        notes.leave(f"providers.{key}", f"of {name}: every model is asked every question in every way")
    config = item.get("config") or {}
    if not isinstance(config, dict):
        raise DataError(f"providers: config of {name} must be a mapping")
    yield str(item.get("id", name)), str(item.get("label") or ""), config


def _table(name: str, label: str, config: Mapping[str, Any], notes: Notes) -> dict[str, Any] | None:
    provider, _, model = name.partition(":")
    if model.partition(":")[0] in _WAYS and ":" in model:
        model = model.partition(":")[2]
    if provider not in _ADDRESSES or not _MODEL.fullmatch(model):
        notes.leave(
            f"provider {name}", "it is no address that speaks OpenAI's protocol; if it has one, add an entrant for it"
        )
        return None
    address, variable = _ADDRESSES[provider]
    params = {"base_url": _base(config, address), **_key(name, config, variable, notes), **_passed(name, config)}
    for key in config.keys() - _READ:
        notes.leave(f"config.{key}", f"of {name}: it is no parameter of an entrant")
    return {"name": called(label or model), "recipe": f"openai:{model}", "params": params}


def _base(config: Mapping[str, Any], usual: str) -> str:
    if isinstance(config.get("apiBaseUrl"), str):
        return str(config["apiBaseUrl"]).rstrip("/")
    return f"https://{config['apiHost']}/v1" if isinstance(config.get("apiHost"), str) else usual


def _key(name: str, config: Mapping[str, Any], usual: str, notes: Notes) -> dict[str, str]:
    """The variable that has the key; a key that stands in the configuration is not written again."""
    variable, given = config.get("apiKeyEnvar", usual), config.get("apiKey")
    if isinstance(given, str) and (found := _ENV.fullmatch(given.strip())):
        variable = found[1]
    elif given is not None:
        notes.leave("config.apiKey", f"of {name}: a key stands in no file; key_env names the variable that holds it")
    if variable and not (isinstance(variable, str) and re.fullmatch(r"[A-Za-z_]\w*", variable)):
        raise DataError(f"providers: apiKeyEnvar of {name} must be the name of a variable")
    return {"key_env": variable} if variable else {}


def _passed(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for key, form in _PASSED.items():
        if config.get(key) is not None:
            params[key] = form(_number(name, key, config[key]))
    if (stop := config.get("stop")) is not None:
        stop = [stop] if isinstance(stop, str) else stop
        if not isinstance(stop, list) or not all(isinstance(one, str) for one in stop):
            raise DataError(f"providers: stop of {name} must be a list of texts")
        params["stop"] = stop
    paid = {
        "input": config.get("inputCost", config.get("cost")),
        "output": config.get("outputCost", config.get("cost")),
    }
    price = {way: round(_number(name, "cost", each) * 1e6, 9) for way, each in paid.items() if each is not None}
    return {**params, **({"price": price} if price else {})}


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise DataError(f"providers: {key} of {name} must be a number of 0 or more, got {str(value)[:40]!r}")
    return value
