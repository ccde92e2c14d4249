#!/usr/bin/env python3
"""ECS for tests: moto's server, whose tasks run as processes here and leave logs and exit codes.

Prints its address. Signatures are checked by botocore's own reckoning. Ends with its standard input.
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.models import ecs_backends
from moto.logs.models import logs_backends
from moto.moto_api import state_manager
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION, GROUP, KEY, SECRET = "eu-central-1", "tests", "AKIDTEST", "not-a-secret-at-all"
STOP_TIMEOUT = 1.0
processes, answers, starting = {}, {}, threading.Lock()
run_task, stop_task = Backend.run_task, Backend.stop_task


def carry_out(task):
    """Runs what the overrides say, and says what became of it."""
    override = task.overrides["containerOverrides"][0]
    env = {pair["name"]: pair["value"] for pair in override["environment"]}
    # A task runs on another machine: nobody here finds it by the mark that processes bear.
    env.pop("ORCHESTRATE_ATTEMPT_ID", None)
    stream = f"run/main/{task.id}"
    logs = logs_backends[ACCOUNT][REGION]
    container = task.containers[0]
    try:
        process = subprocess.Popen(
            override["command"], env={"PATH": os.environ["PATH"], **env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    except OSError as problem:
        logs.create_log_stream(GROUP, stream)
        log(logs, stream, [f"{override['command'][0]}: {problem}"])
        container.exitCode = 127
        task.last_status = task.desired_status = "STOPPED"
        return
    processes[task.started_by] = process
    container.exitCode = None

    def follow():
        made, rest = False, b""
        while chunk := os.read(process.stdout.fileno(), 1 << 16):
            if not made:
                logs.create_log_stream(GROUP, stream)
                made = True
            *lines, rest = (rest + chunk).split(b"\n")
            log(logs, stream, [line.decode().rstrip("\r") for line in lines])
        if rest:
            log(logs, stream, [rest.decode()])
        code = process.wait()
        container.exitCode = code if code >= 0 else 128 - code
        task.stopped_reason = task.stopped_reason or "Essential container in task exited"
        task.last_status = task.desired_status = "STOPPED"

    threading.Thread(target=follow, daemon=True).start()


def log(logs, stream, lines):
    now = int(time.time() * 1000)
    if lines:
        logs.put_log_events(GROUP, stream, [{"timestamp": now, "message": line} for line in lines])


def run(self, *args, **kwargs):
    tasks = run_task(self, *args, **kwargs)
    for task in tasks:
        carry_out(task)
    return tasks


def stop(self, cluster_str, task_str, reason):
    tasks = self.tasks.get("tests", {})
    task = next((task for arn, task in list(tasks.items()) if arn == task_str), None)
    if task is None:
        raise InvalidParameterException("The referenced task was not found.")
    process = processes.get(task.started_by)
    if process and process.poll() is None:
        task.desired_status, task.stopped_reason = "STOPPED", reason
        tell(process, signal.SIGTERM)
        threading.Timer(STOP_TIMEOUT, tell, (process, signal.SIGKILL)).start()
    return task


def tell(process, number):
    if process.poll() is None:
        os.killpg(process.pid, number)


def double(path):
    """What the API does not tell."""
    name, _, verb = path.removeprefix("/double/").partition("/")
    process = processes.get(name)
    if verb == "forget":
        tasks = ecs_backends[ACCOUNT][REGION].tasks["tests"]
        for arn in [arn for arn, task in list(tasks.items()) if task.started_by == name]:
            del tasks[arn]
        tell(process, signal.SIGKILL)
        return "forgotten"
    return "running" if process and process.poll() is None else "nothing"


def is_signed(environ, body):
    """As botocore reckons it."""
    said = environ.get("HTTP_AUTHORIZATION", "")
    found = re.fullmatch(
        rf"AWS4-HMAC-SHA256 Credential={KEY}/\d+/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=([^,]+), Signature=([0-9a-f]+)", said)
    if not found:
        return False
    region, service, names, signature = found.groups()
    value = lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")) or environ.get("CONTENT_TYPE")
    headers = {name: value(name) for name in names.split(";") if name != "host"}
    request = AWSRequest("POST", f"http://{environ['HTTP_HOST']}/", headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY, SECRET), service, region)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return auth.signature(text, request) == signature


def application(environ, start_response):
    from io import BytesIO

    path = environ["PATH_INFO"]
    if path.startswith("/double/"):
        said = double(path).encode()
        start_response("200 OK", [("content-type", "text/plain"), ("content-length", str(len(said)))])
        return [said]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".RunTask"):
        return run_once(environ, start_response, body)
    return signed(environ, start_response, body)


def signed(environ, start_response, body):
    if not is_signed(environ, body):
        start_response("403 Forbidden", [("content-type", "application/x-amz-json-1.1")])
        return [b'{"__type": "InvalidSignatureException", "message": "this is not how it is signed"}']
    return moto(environ, start_response)


def run_once(environ, start_response, body):
    """The same client token again starts nothing again. The first answer of all is lost on its way."""
    token = json.loads(body).get("clientToken") or os.urandom(8).hex()
    with starting:
        if token not in answers:
            said = []
            text = b"".join(signed(environ, lambda status, headers, *_: said.extend([status, headers]), body))
            if not said[0].startswith("200"):
                start_response(*said)
                return [text]
            answers[token] = (*said, text)
            if len(answers) == 1:
                start_response("503 Service Unavailable", [("content-type", "text/plain")])
                return [b"lost"]
    status, headers, text = answers[token]
    start_response(status, headers)
    return [text]


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


Backend.run_task, Backend.stop_task = run, stop
state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})
moto = DomainDispatcherApplication(create_backend_app)
ecs = ecs_backends[ACCOUNT][REGION]
logs_backends[ACCOUNT][REGION].create_log_group(GROUP, {})
ecs.create_cluster("tests")
ecs.register_task_definition("shell", [{
    "name": "main", "image": "shell", "memory": 64,
    "logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "run"}}}])
server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"127.0.0.1:{server.port}", flush=True)
sys.stdin.read()
for process in processes.values():
    tell(process, signal.SIGKILL)
