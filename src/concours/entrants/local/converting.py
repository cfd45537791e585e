"""A GGUF file as a folder of safetensors, which loads faster; written in a process of its own, which takes much memory.

python -m concours.entrants.local.converting FILE FOLDER
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from concours.core.errors import RecipeError
from concours.core.optional import install_command, installed

_SHOWN = 200


def converted(file: Path, folder: Path) -> Path:
    """The folder with the model of a GGUF file, its weights as 32-bit numbers; made where it is not there yet.

    Raises:
        RecipeError: the file is damaged, or of an architecture that transformers does not know.
    """
    if folder.is_dir():
        return folder
    if missing := next((name for name in ("gguf", "accelerate") if not installed(name)), ""):
        raise RecipeError(f"{file} needs {missing}, which is not installed; get it with: {install_command(missing)}")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    try:
        command = [sys.executable, "-m", __name__, str(file.resolve()), str(aside)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        if done.returncode:
            last = next(iter(reversed(done.stderr.split("\n\n")[-1].strip().splitlines())), "it was ended")
            raise RecipeError(f"{file} cannot be made a folder of safetensors: {last[:_SHOWN]}")
        if not folder.is_dir():
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _convert(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None  # else it is saved as what it was read from
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
