"""``make examples``: each one in an environment of its own, with the wheel, what it names, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from tests.examples.folders import ROOT, examples, extras_of

_SECONDS = 90
_OURS = "secretsource["


class ExampleError(Exception):
    """What keeps an example from running as its page says, for the person who wrote it."""


def main(wanted: list[str]) -> int:
    """Run the examples, or those that are named, and print how each one ended."""
    unknown = sorted(set(wanted) - set(examples()))
    if unknown:
        print(f"no folder of examples/ with a requirements.txt: {', '.join(unknown)}", file=sys.stderr)  # noqa: T201
        return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="examples-") as scratch:
        Path(scratch).chmod(0o755)  # PostgreSQL refuses to run as root, and what runs it then must get there
        wheel = _built(Path(scratch))
        for name in wanted or examples():
            started = time.monotonic()
            try:
                ended = _run(name, wheel, Path(scratch, name))
            except ExampleError as wrong:
                failed += 1
                ended = f"FAILED: {wrong}"
            print(f"examples: {name:<18} {time.monotonic() - started:5.1f} s  {ended}", flush=True)  # noqa: T201
    return 1 if failed else 0


def _built(folder: Path) -> Path:
    _call([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    return wheel


def _run(name: str, wheel: Path, folder: Path) -> str:
    """Return the last line that the example printed.

    Raises:
        ExampleError: It cannot be installed, it failed, or it did not come to its end.
    """
    python = _environment(name, wheel, folder)
    # A copy, and alone: what it imports comes from the environment or from its own folder.
    alone = folder / "copy"
    shutil.copytree(ROOT / "examples" / name, alone / "examples" / name)
    shutil.copy(ROOT / "examples" / "__init__.py", alone / "examples")
    output = _call([str(python), "-m", f"examples.{name}"], cwd=alone)
    last = (output.splitlines() or [""])[-1]
    if not last.startswith(("done", "skipped: ")):
        raise ExampleError(f"the last line is neither 'done' nor 'skipped: ...', but {last!r}")
    return last


def _environment(name: str, wheel: Path, folder: Path) -> Path:
    """Make the environment and return its Python."""
    absent = set(extras_of(name)) - _extras(wheel)
    if absent:
        raise ExampleError(f"requirements.txt names extras that secretsource does not have: {sorted(absent)}")
    uv = str(Path(sys.executable).with_name("uv"))
    environment = folder / "venv"
    python = environment / "bin" / "python"
    _call([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], cwd=ROOT)
    # The wheel takes the place of the name; the versions are those that everything else is tested with.
    lines = (ROOT / "examples" / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    needed, pinned = folder / "requirements.txt", folder / "constraints.txt"
    needed.write_text("".join(f"{_with_wheel(line, wheel)}\n" for line in lines), encoding="utf-8")
    pinned.write_text(_pins(name), encoding="utf-8")
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    _call([*install, "-r", str(needed), "-c", str(pinned)], cwd=folder)
    return python


def _with_wheel(line: str, wheel: Path) -> str:
    if not line.startswith(_OURS):
        return line
    extras = line.partition("[")[2].partition("]")[0]
    return f"secretsource[{extras}] @ {wheel.as_uri()}"


def _extras(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        [path] = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        lines = opened.read(path).decode("utf-8").splitlines()
    return {line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra: ")}


def _pins(name: str) -> str:
    """Return the pins of the environment that the framework is tested in.

    Without the hashes, which would ask for one of the wheel, and the extras, which no constraint may have.
    """
    folder = ROOT / "requirements"
    own = folder / f"{name}.txt"
    files = [own] if own.exists() else [folder / "dev.txt", folder / "redis-server.txt"]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    pins = (line.removesuffix(" \\") for line in lines if "==" in line and line[0] not in "# ")
    return "".join(re.sub(r"\[[^]]*\]", "", pin) + "\n" for pin in pins)


def _call(command: list[str], *, cwd: Path) -> str:
    """Run *command* as a person with a new shell does, and return what it printed.

    Raises:
        ExampleError: It failed, or took too long.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN)}
    environ = kept | {"PYTHONNOUSERSITE": "1", "PYTHONWARNINGS": "default"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExampleError(
            f"{Path(command[0]).name} {' '.join(command[1:4])} took more than {_SECONDS} s"
        ) from None
    if done.returncode != 0:
        raise ExampleError(f"exit code {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
    return done.stdout


_HIDDEN = ("PYTHON", "VIRTUAL_ENV", "SECRETSOURCE_", "AWS_", "VAULT_", "BAO_", "CONJUR_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
