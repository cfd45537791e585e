"""Optional packages, and how to get them."""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS = {
    "torch": "torch",
    "lightgbm": "boost",
    "catboost": "boost",
    "xgboost": "boost",
    "optuna": "tune",
    "statsforecast": "forecasting",
    "sksurv": "survival",
    "pettingzoo": "games",
    "pyspiel": "games",
    "chess": "games",
    "implicit": "recommendation",
    "keras": "keras",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "sacrebleu": "text",
    "rouge_score": "text",
    "httptools": "llm",
    "yaml": "llm",
    "transformers": "local",
    "gguf": "local",
    "accelerate": "local",
    "cmaes": "merge",
    "flwr": "federated",
    "opacus": "privacy",
    "ray": "ray",
    "obstore": "s3",
    "soundfile": "audio",
    "captum": "explain",
    "jiwer": "audio",
    "av": "video",
    "starlette": "serve",
    "uvicorn": "serve",
    "msgspec": "serve",
    "grpc": "serve",
    "sqlalchemy": "serve",
    "httpx": "serve",
    "skl2onnx": "serve",
    "fastapi": "server",
    "alembic": "server",
    "argon2": "server",
    "authlib": "server",
    "nh3": "server",
    "babel": "server",
    "markdown_it": "server",
}
"""Which extra of Concours brings a top-level module."""


def install_command(module: str) -> str:
    """The command that brings a module."""
    extra = EXTRAS.get(module)
    return f"pip install 'concours[{extra}]'" if extra else f"pip install {module}"


def installed(module: str) -> bool:
    """Whether a top-level module can be imported; does not import it."""
    return find_spec(module) is not None
