"""The loop of Lambda's runtime interface, by the standard library alone."""

import http.client
import json
import os

ROOT = "/2018-06-01/runtime/invocation"


def run(handle):
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", f"{ROOT}/next")
        response = runtime.getresponse()
        request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
        event = json.loads(response.read())
        try:
            outcome, answer = "response", handle(event)
        except Exception as error:
            outcome, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        runtime.request("POST", f"{ROOT}/{request_id}/{outcome}", json.dumps(answer))
        runtime.getresponse().read()
