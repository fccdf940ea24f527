"""The processes of a rehearsal: AWS, Podio, and what builds the packages."""

import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

REGION = "eu-central-1"
# What a developer's own account is known by, and what would lead the functions away from here.
ASTRAY = ("AWS_", "PODIO_", "LOCALSTACK", "MINISTACK")


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ASTRAY)}
    return clean | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"} | more


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def ended(process):
    """Ends the process when it is no longer needed; it gets time to end what it started."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def aws(log):
    """ministack, with roles enforced; yields its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        own = environment(
            BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port), AUTH="true", LAMBDA_EXECUTOR="local",
            # Without it the functions would call AWS by its real names.
            AWS_ENDPOINT_URL=url, AWS_EC2_METADATA_DISABLED="true", TMPDIR=folder,
        )
        program = Path(sys.executable).with_name("ministack")
        process = subprocess.Popen([program], env=own, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        with ended(process):
            answers(f"{url}/_ministack/health", process)
            yield url


@contextmanager
def podio(root, log):
    """The sandbox with its standard organization; yields what its ready line says."""
    process = subprocess.Popen([example(root, "sandbox-podio")], env=environment(), stdout=subprocess.PIPE, stderr=log)
    with ended(process):
        yield json.loads(process.stdout.readline())


def example(root, name):
    build = ["cargo", "build", "--quiet", "--workspace", "--example", name]
    subprocess.run(build, cwd=root, check=True, stdout=sys.stderr)
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "debug" / "examples" / name


def authorize(root, stack, podio, key):
    """`cargo local authorize`, and an operator who opens the page that it names."""
    own = environment(
        PODIO_CLIENT_SECRET=key["PODIO_CLIENT_SECRET"], AWS_ENDPOINT_URL=stack.url, AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
    )
    command = [
        example(root, "local"), "authorize", "--json", "--secret", stack.outputs()["SecretArn"],
        "--client-id", key["PODIO_CLIENT_ID"], "--redirect-uri", f"http://127.0.0.1:{free_port()}/",
        "--podio-url", podio, "--authorize-url", f"{podio}/oauth/authorize", "--patience", "60",
    ]
    process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with ended(process):
        page = next((line.strip() for line in process.stderr if line.startswith("http")), None)
        if page is None:
            raise RuntimeError("cargo local authorize names no page")
        urllib.request.urlopen(page, timeout=20).close()
        return json.loads(process.stdout.readline())


def answers(url, process, patience=30):
    until = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{process.args[0]} does not answer; see its log") from None
            time.sleep(0.1)


def packages(root, folder):
    """The package of each function, as bytes, built if no folder has them."""
    if folder is None:
        tools = Path(sys.executable).parent
        # For this machine, so its own linker will do.
        own = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
        own.setdefault("CARGO_LAMBDA_COMPILER", "cargo")
        subprocess.run(["cargo", "lambda", "build", "--release"], cwd=root, env=own, check=True, stdout=sys.stderr)
        folder = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "lambda"
    return {name: zipped(folder / name / "bootstrap") for name in ("api", "hooks", "scim", "sweep", "worker")}


def zipped(binary):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, binary.read_bytes(), zipfile.ZIP_DEFLATED)
    return package.getvalue()
