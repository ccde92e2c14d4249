#!/usr/bin/env python3
"""A runtime in Python: runs attempts as processes of this machine."""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time

verb = sys.argv[1]
request = json.load(sys.stdin)
folder = os.path.join(request["settings"]["dir"], request["name"])


def file(name):
    return os.path.join(folder, name)


def read(name):
    try:
        with open(file(name)) as found:
            return found.read()
    except FileNotFoundError:
        return None


def write(name, text):
    with open(file(name + ".new"), "w") as draft:
        draft.write(text)
    os.rename(file(name + ".new"), file(name))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(") ", 1)[1][0] not in "ZX"
    except FileNotFoundError:
        return False


def supervise():
    """Looks after it, in a session of its own."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    with open(file("log"), "ab") as log:
        try:
            child = subprocess.Popen(
                request["command"], env={"PATH": os.environ["PATH"], **request["env"]},
                cwd=request["working_dir"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
                # Known before the first word of it is heard.
                preexec_fn=lambda: write("pid", str(os.getpid())))
        except OSError as problem:
            log.write(f"{request['command'][0]}: {problem}\n".encode())
            return write("end", "127")
    write("end", json.dumps(child.wait()))


def start():
    try:
        os.mkdir(folder)
    except FileExistsError:
        return {"handle": folder}  # started before
    open(file("log"), "w").close()
    with open(os.devnull, "r+") as nothing:
        supervisor = subprocess.Popen(
            [sys.executable, __file__, "supervise"], stdin=subprocess.PIPE, stdout=nothing,
            stderr=nothing, start_new_session=True)
    write("supervisor", str(supervisor.pid))
    supervisor.stdin.write(json.dumps(request).encode())
    supervisor.stdin.close()
    return {"handle": folder}


def status():
    end = read("end")
    if end is not None:
        code = json.loads(end)
        how = {"exit_code": code} if code >= 0 else {"signal": -code}
        return {"state": "exited", **how}
    supervisor = read("supervisor")
    if supervisor and alive(int(supervisor)):
        return {"state": "running", "detail": f"process {read('pid')}"}
    return {"state": "gone"}


def logs():
    with open(file("log"), "rb") as log:
        log.seek(request["from"])
        data = log.read(1 << 20)
    return {"base64": base64.b64encode(data).decode(), "next": request["from"] + len(data)}


def stop():
    def tell(number):
        try:
            os.killpg(int(read("pid") or 0) or 1 << 30, number)
        except (ProcessLookupError, OverflowError):
            pass

    if os.path.isdir(folder) and read("end") is None:
        tell(signal.SIGTERM)
        end = time.monotonic() + request["grace_seconds"]
        while read("end") is None and time.monotonic() < end:
            time.sleep(0.05)
        if read("end") is None:
            tell(signal.SIGKILL)
    if request["remove"]:
        shutil.rmtree(folder, ignore_errors=True)
    return {}


verbs = {"start": start, "status": status, "logs": logs, "stop": stop, "supervise": supervise}
print(json.dumps(verbs[verb]() or {}))
