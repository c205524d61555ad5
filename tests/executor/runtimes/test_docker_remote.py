"""Engines on other machines, by TLS and by SSH; the other machine is this one, seen from afar."""

import asyncio
import os
import shutil
import socket as socketlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import CancelRun
from executor.errors import RuntimeFailure
from executor.runtimes.docker import Address
from executor.runtimes.docker.tunnel import command
from executor.units import MIB
from tests.executor.runtimes.containers import ContainerWorld, engine_url, world
from tests.executor.runtimes.killed import Plan
from tests.executor.runtimes.worlds import ECHO, HANG, LIMIT_BYTES, handler, request

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

SSH = """#!{python}
import socket, sys, threading

def copy(source, target):
    while data := source.recv(1 << 16):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)

here, there = sys.argv[sys.argv.index("-L") + 1].split(":")
assert sys.argv[-3:] == ["--", "far", "cat"]
assert sys.argv[sys.argv.index("-l") + 1] == "me"
listener = socket.socket(socket.AF_UNIX)
listener.bind(here)
listener.listen()
while True:
    ours, _ = listener.accept()
    theirs = socket.socket(socket.AF_UNIX)
    theirs.connect(there)
    for ends in ((ours, theirs), (theirs, ours)):
        threading.Thread(target=copy, args=ends, daemon=True).start()
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["tls", "ssh", "sshd"])
async def address(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    anyio_backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Address]:
    socket = engine_url().removeprefix("unix://")
    if request.param == "tls":
        async with by_tls(tmp_path / "tls", socket) as made:
            yield made
    elif request.param == "sshd":
        async with by_sshd(tmp_path / "sshd", monkeypatch) as host:
            yield Address(f"ssh://{host}{socket}")
    else:
        program = tmp_path / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(SSH.format(python=sys.executable))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        yield Address(f"ssh://me@far{socket}")


@asynccontextmanager
async def by_sshd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Run an SSH server of our own with keys made for it, known to ``ssh`` by the host's name."""
    folder.mkdir(mode=0o700)
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    ssh = shutil.which("ssh")
    if program is None or ssh is None:
        pytest.skip("no sshd: the package openssh-server has it")
    for name in ("host", "user"):
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
        subprocess.run(words, check=True)
    with socketlib.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = (folder / "host.pub").read_text()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key}")
    (folder / "server").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\n"
    )
    (folder / "client").write_text(
        f"Host far\nHostName 127.0.0.1\nPort {port}\nIdentityFile {folder}/user\n"
        f"IdentitiesOnly yes\nUserKnownHostsFile {folder}/known\n"
    )
    wrapper = folder / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {folder}/client "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    command = (program, "-D", "-e", "-f", str(folder / "server"))
    server = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert server.stderr is not None
    said = await server.stderr.readline()
    if not said.startswith(b"Server listening"):
        pytest.skip(f"sshd does not start: {said.decode().strip()}")
    draining = asyncio.create_task(server.stderr.read())
    yield "far"
    server.terminate()
    await server.wait()
    draining.cancel()


@asynccontextmanager
async def by_tls(folder: Path, socket: str) -> AsyncIterator[Address]:
    """Offer an engine's socket by TLS, to those that have the client's certificate."""
    certificates(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        far_reader, far_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", ssl=context)
    port = server.sockets[0].getsockname()[1]
    yield Address(f"tcp://127.0.0.1:{port}", folder)
    server.close()
    for writer in writers:
        writer.transport.abort()


def tunnels(folder: Path) -> list[Path]:
    """List the SSH clients that were started from a folder."""
    clients = [b"-L", os.fsencode(folder)]
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if all(word in words for word in clients):
            found.append(file)
    return found


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def certificates(folder: Path) -> None:
    """Make a certificate that stands for the authority, the engine and the client."""
    folder.mkdir()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())


async def test_calls_are_served_and_limits_set_there_as_here(
    tmp_path: Path, address: Address
) -> None:
    small = handler("f", tmp_path, HANG, memory_limit_bytes=128 * MIB)
    async with world([small, handler("g", tmp_path, ECHO)], tmp_path / "state", address) as here:
        await here.start()
        await here.load("g")
        large = "x" * (3 << 20)
        assert large.encode() in (await here.answer("g", request(large))).header
        assert here.runtime.memory_bytes() == {}
        here.run("f")
        await here.expect(ev.Offloaded)
        await here.expect(ev.Started)
        await here.limit_becomes(128 * MIB)
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        await here.limit_becomes(LIMIT_BYTES)


async def test_a_container_that_is_killed_there_is_gone_here(
    tmp_path: Path, address: Address
) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state", address) as here:
        await here.start()
        here.run("f")
        here.kill()
        event = await here.next_event()
        while not isinstance(event, ev.InstanceGone):
            event = await here.next_event()
        assert event.error == "the manager ended with status 137"


@pytest.mark.slow
async def test_an_engine_out_of_reach_does_not_hold_up_the_end(tmp_path: Path) -> None:
    socket = engine_url().removeprefix("unix://")
    async with by_tls(tmp_path / "tls", socket) as address:
        package = handler("f", tmp_path, ECHO)
        made = ContainerWorld([package], tmp_path / "state", {"w": address})
        await made.runtime.open(made.events.put_nowait)
        await made.start()
        container = made.container()["Id"]
    assert (await made.expect(ev.WorkerSeen))[1:] == ("w", False)
    gone = await made.expect(ev.InstanceGone)
    await made.runtime.close()
    made.api.remove_container(container, force=True)
    assert "does not answer" in str(gone.error)


async def test_a_refusal_of_ssh_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\necho 'who are you?' >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    made = ContainerWorld([], tmp_path / "state", {"w": Address("ssh://far")})
    with pytest.raises(RuntimeFailure, match=r"no connection to ssh://far: who are you\?"):
        await made.runtime.open(made.events.put_nowait)


def test_the_parts_of_an_ssh_address_become_options() -> None:
    words = command("ssh://me@far:2222", "/here")
    assert words[0] == "ssh"
    assert words[words.index("-l") + 1] == "me"
    assert words[words.index("-p") + 1] == "2222"
    assert words[words.index("-L") + 1] == "/here:/var/run/docker.sock"
    assert words[-3:] == ["--", "far", "cat"]


async def test_containers_of_a_killed_server_are_taken_over_there_as_here(
    tmp_path: Path, address: Address
) -> None:
    packages = [handler("f", tmp_path, ECHO)]
    plan = Plan("docker", packages, tmp_path / "state", ("f",), engine=address)
    await asyncio.to_thread(plan.play, tmp_path)
    while tunnels(tmp_path):
        await asyncio.sleep(0.01)
    async with plan.opened() as here:
        (instance,) = (await here.expect(ev.InstancesFound)).instances
        assert len(list((tmp_path / "state").glob("*/tunnel-*"))) == address.url.startswith("ssh:")
        assert set(instance.residencies) == {"f"}
        here.run("f")
        assert (await here.expect(ev.Started)).report is None
        await here.expect(ev.Completed)


async def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    address = Address("tcp://127.0.0.1:1", tmp_path)
    made = ContainerWorld([], tmp_path / "state", {"w": address})
    with pytest.raises(RuntimeFailure, match=r"engine w: there is no .*/cert\.pem"):
        await made.runtime.open(made.events.put_nowait)
