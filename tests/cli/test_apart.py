"""Commands that read models run apart: how such a process ends is how the command ends, and a crash is told."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os, signal, sys
import concours.cli.app as program

def command(**_):
{body}

program.app = command
sys.argv = ["concours", {words}]
program.main(apart=True)
"""


def ended(body: str, *words: str) -> tuple[int, str, str]:
    """How a program ends whose command does this."""
    text = PROGRAM.format(body="    " + body, words=", ".join(map(repr, words)))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL"])
def test_a_crash_is_told(number: str) -> None:
    """In one line, with exit code 2: nobody's shell says `Segmentation fault` of a model from elsewhere."""
    code, out, error = ended(f"os.kill(os.getpid(), signal.{number})", "predict", "runs/x")
    assert (code, out) == (2, "")
    assert error.startswith("concours: ")
    assert error.count("\n") == 1
    assert ("was killed from outside" if number == "SIGKILL" else number) in error


def test_a_real_crash_is_told() -> None:
    """Compiled code that reads where nothing is."""
    code, _, error = ended("ctypes.string_at(0)", "--debug", "predict")
    assert code == 2
    assert "died of SIGSEGV" in error


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_exit_codes_and_output_are_those_of_the_command(code: int) -> None:
    """Whoever calls the program sees no difference."""
    body = f"print('out'); print('err', file=sys.stderr); sys.exit({code})"
    assert ended(body, "report", "runs/x") == (code, "out\n", "err\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_outside_is_passed_on(number: signal.Signals) -> None:
    """Who ends the program ends the command in it."""
    default = f"signal.signal(signal.{number.name}, signal.SIG_DFL)"  # of whoever runs these with nohup
    code, _, error = ended(f"{default}; os.kill(os.getppid(), signal.{number.name}); signal.pause()", "predict")
    assert (code, error) == (-number, "")


def test_others_run_in_the_process_itself() -> None:
    """A fork is for those that read what others have kept."""
    body = "print(os.getpid() == program.HERE)"
    text = PROGRAM.format(body="    " + body, words="'show'").replace(
        "program.app =", "program.HERE = os.getpid()\nprogram.app ="
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
