"""Registers the application beside it with the control plane, by Python's standard library alone."""
import json, os, signal, sys, time, urllib.error, urllib.request

URL = "{}/v1/services/{}/instances/{}".format(os.environ.get("CONTROL_PLANE", "http://127.0.0.1:7600"), os.environ["SERVICE"], os.environ["ID"])

def call(method, path="", body=None):
    data = None if body is None else json.dumps(body).encode()
    token = os.environ.get("TOKEN")
    headers = {"content-type": "application/json", **({"authorization": "Bearer " + token} if token else {})}
    request = urllib.request.Request(URL + path, data, headers, method=method)
    urllib.request.urlopen(request, timeout=5).close()

def stay():
    try:
        call("POST", "/heartbeat")
    except urllib.error.HTTPError:  # 404: the control plane does not know us (any more)
        call("PUT", body={"address": os.environ.get("ADDRESS", "127.0.0.1"), "port": int(os.environ["PORT"])})

for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, lambda *_: sys.exit(0))
try:
    while True:
        try:
            stay()
        except OSError as error:  # it is away for a moment; callers keep what they know
            print(error, file=sys.stderr)
        time.sleep(2)
finally:
    call("POST", "/drain?wait=2s")
    call("DELETE")
