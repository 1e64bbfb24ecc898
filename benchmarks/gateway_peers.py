"""Who carries the benchmark's requests: nobody (direct), our gateway, nginx as a plain reverse proxy, and LiteLLM.

LiteLLM 1.109.1 runs without a database, with its master key alone and one worker, which flatters it; OpenTelemetry's packages are
installed and bytecode is compiled, because without either it is slower than it has to be.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LITELLM_VENV = HERE.parent / ".build" / "bench-litellm"
LITELLM = "litellm[proxy]==1.109.1"
OVERRIDES = "certifi>=2026.7\nlitellm-proxy-extras>=0.4.100\n"
BESIDE = ("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp")
INSTALL_SECONDS, START_SECONDS = 400, 90
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections 30000; }}
worker_rlimit_nofile 65536;
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; keepalive_requests 1000000000;
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""
CONFIG = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
litellm_settings: {{telemetry: false, drop_params: false}}
general_settings: {{master_key: sk-benchmark, dangerously_permit_weak_or_unset_master_key: true}}
"""


HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-benchmark"}


@dataclass
class Carrier:
    """A process on `port`; CPU and memory are those of `pid` and all below it."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    def pids(self) -> list[int]:
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [self.process.pid, *map(int, children.stdout.split())]

    def rss_mb(self) -> float:
        """Proportional set size of all of it."""
        kilobytes = 0
        for pid in self.pids():
            with suppress(OSError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                kilobytes += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        return kilobytes / 1024

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def upstream(port: int, pace_ms: float = 0) -> Carrier:
    return python("direct", port, "gateway_upstream.py", "--pace-ms", str(pace_ms))


def ours(port: int, upstream_port: int) -> Carrier:
    return python("gateway", port, "gateway_alone.py", "--upstream", f"http://127.0.0.1:{upstream_port}/v1")


def python(name: str, port: int, script: str, *options: str) -> Carrier:
    words = [sys.executable, str(HERE / script), "--port", str(port), *options]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return Carrier(name, port, process)


def nginx(port: int, upstream_port: int, folder: Path) -> Carrier:
    """Raises OSError where it is not there."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
    if program is None:
        raise OSError("nginx is not installed: apt-get install nginx-light")
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream_port))
    carrier = Carrier("nginx", port, subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL))
    answers(carrier)
    return carrier


def litellm(port: int, upstream_port: int, folder: Path) -> Carrier:
    """Raises OSError or SubprocessError where it cannot be installed or does not start."""
    install_litellm()
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(upstream=upstream_port))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [str(LITELLM_VENV / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
    words += ["--host", "127.0.0.1", "--num_workers", "1"]
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            words, stdout=log, stderr=log, env=environment | {"LITELLM_LOG": "ERROR"}, cwd=folder
        )
    carrier = Carrier("litellm", port, process)
    answers(carrier)
    return carrier


def install_litellm() -> None:
    if (LITELLM_VENV / "complete").exists():
        return
    uv = shutil.which("uv") or HERE.parent / ".tools" / "bin" / "uv"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", LITELLM_VENV], check=True)
    overrides = LITELLM_VENV / "overrides.txt"
    overrides.write_text(OVERRIDES)
    command = [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(LITELLM_VENV / "bin" / "python")]
    command += ["--override", str(overrides), LITELLM, *BESIDE]
    subprocess.run(command, check=True, env=environment, timeout=INSTALL_SECONDS)
    (LITELLM_VENV / "complete").touch()


def answers(carrier: Carrier) -> None:
    """Waits until it carries a request. Raises OSError when it ends or takes too long."""
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":16}'
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and carrier.process.poll() is None:
        request = urllib.request.Request(carrier.url, body, HEADERS)
        with suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(request, timeout=5).read()
            return
        time.sleep(0.2)
    carrier.stop()
    raise OSError(f"{carrier.name} does not answer")
