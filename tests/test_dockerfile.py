"""The steps of the Dockerfile, walked in a clean directory without Docker: what they copy is enough to serve."""

import fnmatch
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KNOWN = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "VOLUME", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


def steps() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def told(word: str) -> list[str]:
    return [rest for name, rest in steps() if name == word]


def command(rest: str) -> list[str]:
    return list(json.loads(rest[rest.index("[") :]))


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for rest in told("ENV") for pair in shlex.split(rest))


def sent(path: str) -> bool:
    """Whether `.dockerignore` lets a path of the project into the build; the last line that speaks of it decides."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = True
    for line in (line.strip() for line in lines if line.strip() and not line.startswith("#")):
        pattern = line.lstrip("!").removeprefix("**/")
        parts = Path(path).parts
        whole = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        names = parts if "**/" in line else whole
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            kept = line.startswith("!")
    return kept


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a work tree of git")
    return [path for path in found.stdout.splitlines() if (ROOT / path).is_file()]


def walk(app: Path) -> None:
    """Copy what the steps copy, and nothing else."""
    for rest in told("COPY"):
        source, target = shlex.split(rest)
        place = app / target
        mine = [path for path in tracked() if path == source or path.startswith(f"{source}/")]
        assert [path for path in mine if sent(path)], f"nothing of {source} is sent to the build"
        for path in filter(sent, mine):
            to = (
                place / path.removeprefix(f"{source}/")
                if path != source
                else app / target.rstrip(".") / Path(path).name
            )
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, to)


def test_only_steps_that_this_test_knows_stand_in_it():
    assert {name for name, _ in steps()} <= KNOWN
    assert steps()[0][0] == "FROM"


def test_it_runs_as_somebody_without_rights_who_owns_only_the_volume():
    names = [name for name, _ in steps()]
    user = told("USER")[-1]
    assert user not in ("root", "0")
    assert names.index("USER") > max(n for n, name in enumerate(names) if name in ("RUN", "COPY"))
    assert told("VOLUME") == [environment()["STOCKCAST_HOME"]]
    made = " ".join(told("RUN"))
    assert f"--uid {user}" in made
    assert re.search(r"install -d -o stockcast .* -m 0700 " + told("VOLUME")[0], made)
    assert "chown" not in made


def test_python_and_packages_are_those_that_the_tests_run_on():
    image = told("FROM")[0]
    assert re.fullmatch(r"python:3\.1[123]-slim", image)
    installed = [rest for rest in told("RUN") if "pip install" in rest]
    assert installed == ["pip install --no-cache-dir -r requirements.txt"]
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert importlib.metadata.version(re.sub(r"\[.*\]", "", name)) == version


@pytest.mark.parametrize(
    "path",
    [".streamlit/secrets.toml", ".git/config", "tests/conftest.py", ".venv/bin/python", "data/__pycache__/a.pyc"],
)
def test_no_secret_and_no_leftover_is_sent_to_the_build(path):
    assert not sent(path)


def test_what_is_copied_serves_in_a_clean_directory_and_the_health_check_sees_it(tmp_path):
    app, home = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    home.mkdir()
    walk(app)
    assert not list(app.rglob("secrets.toml"))
    assert not (app / "tests").exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    env = kept | environment() | {"STOCKCAST_HOME": str(home), "HOME": str(home)}
    started = [part.replace("8501", port) for part in command(told("CMD")[-1])]
    server = subprocess.Popen([sys.executable, *started[1:]], cwd=app, env=env, stdout=subprocess.DEVNULL)
    check = command(told("HEALTHCHECK")[-1])
    try:
        check = [sys.executable, *(part.replace("8501", port) for part in check[1:])]
        until = time.monotonic() + 60
        while (last := subprocess.run(check, env=env, capture_output=True)).returncode and time.monotonic() < until:
            assert server.poll() is None, "the server ended"
            time.sleep(0.3)
        assert last.returncode == 0
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors" in answer.headers["content-security-policy"]
    finally:
        server.terminate()
        server.wait(20)
    planned = [sys.executable, "-c", "from planning import pipeline; from data import service; import app"]
    assert subprocess.run(planned, cwd=app, env=env, capture_output=True).returncode == 0
