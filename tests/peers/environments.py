"""Where third parties live: made once below `var/peers/`, apart from the service's own environment.

`python -m tests.peers.environments` makes all of them and says which can't be had.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE, PYTHON = HERE / "node", HERE / "python"
SCRATCH = HERE.parent.parent / "var" / "peers"
INSTALL_SECONDS = 240
OLDEST_NODE = 20
NODE_MANIFEST = ("package.json", "package-lock.json", ".npmrc")

# Every peer of the suite, by where it is installed.
PYTHON_PEERS = ("werobot", "weworkapi", "python-alipay-sdk")
NODE_PEERS = ("wechat-crypto", "@wecom/crypto", "wechat", "co-wechat-api", "alipay-sdk")
OWN_PEERS = ("wechatpy",)


class Unavailable(Exception):
    """A peer can't be had on this machine; the message says why."""


def python_environment(name: str) -> Path:
    """The interpreter of the environment that `python/<name>.txt` describes."""
    requirements = PYTHON / f"{name}.txt"
    folder = SCRATCH / f"python-{name}"
    interpreter = folder / "bin" / "python"
    steps = (
        (sys.executable, "-m", "venv", "--clear", str(folder)),
        (str(interpreter), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)),
    )
    _make_once(folder, (requirements,), steps)
    return interpreter


def python_version(name: str) -> str:
    """The pinned version of a peer, as its requirements say."""
    text = (PYTHON / f"{name}.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(name)}(?:\[\w+\])?==(\S+)", text, re.MULTILINE)
    if found is None:
        raise Unavailable(f"{name}.txt doesn't pin {name}")
    return found[1]


def node_folder() -> Path:
    """The folder with the installed packages and a copy of every script, so that the scripts find them."""
    check_node()
    folder = SCRATCH / "node"
    manifest = [NODE / name for name in NODE_MANIFEST]
    _make_once(
        folder, manifest, (("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"),), copied=manifest
    )
    with _alone("node-scripts"):
        for script in sorted({*NODE.glob("*.mjs"), *NODE.glob("*.cjs")}):
            _copy(script, folder / script.name)
    return folder


def node_version(name: str) -> str:
    """The locked version of a package."""
    lock = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"][f"node_modules/{name}"]["version"])


def own_version(name: str) -> str:
    """The version of a peer that is a dependency of the service itself."""
    return metadata.version(name)


def check_node() -> str:
    """Node's version; Unavailable if there is none, if it is too old, or if npm is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("node and npm are not on the path")
    said = subprocess.run(("node", "--version"), capture_output=True, text=True, timeout=30, check=False)
    version = said.stdout.strip().removeprefix("v")
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) < OLDEST_NODE:
        raise Unavailable(f"node {version or 'that answers'} is older than {OLDEST_NODE}")
    return version


def _make_once(
    folder: Path,
    described_by: Sequence[Path],
    steps: Sequence[Sequence[str]],
    *,
    copied: Sequence[Path] = (),
) -> None:
    """Run the steps unless this folder was made from these very files; others wait until it is done."""
    wanted = sha256(b"\0".join(path.read_bytes() for path in described_by)).hexdigest()
    stamp = folder / "installed"
    with _alone(folder.name):
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        for path in copied:
            shutil.copy(path, folder / path.name)
        for step in steps:
            _run(step, folder)
        stamp.write_text(wanted)


def _run(step: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(
            step,
            cwd=folder,
            env=_outside_of_ours(),
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no reason given"]
        raise Unavailable(f"it can't be installed: {lines[-1]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"it can't be installed: {type(error).__name__}") from error


def _outside_of_ours() -> Mapping[str, str]:
    """The environment without what would lead a peer into our packages."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def _copy(script: Path, target: Path) -> None:
    """Never half a file for somebody who is reading it."""
    if target.is_file() and target.read_bytes() == script.read_bytes():
        return
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy(script, fresh)
    fresh.replace(target)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process at a time in; the lock goes with the process."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with (SCRATCH / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Make everything; the exit status says whether all of it can be had."""
    missing = []
    for name, make in (
        *((name, python_environment) for name in PYTHON_PEERS),
        ("node", lambda _: node_folder()),
    ):
        try:
            make(name)
        except Unavailable as reason:
            missing.append(name)
            sys.stdout.write(f"{name}: {reason}\n")
        else:
            sys.stdout.write(f"{name}: ready\n")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
