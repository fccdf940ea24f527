"""A signed call to an AWS service (Signature Version 4), by the standard library alone."""

import hashlib
import hmac
import http.client
import json
import os
import time
from urllib.parse import urlsplit

REGION = os.environ["AWS_REGION"]
KEY_ID = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
SIGNED = "content-type;host;x-amz-date;x-amz-target"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    def __init__(self, service, content_type):
        endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ["AWS_ENDPOINT_URL"]
        self.host = urlsplit(endpoint).netloc
        self.connection = http.client.HTTPConnection(self.host)
        self.service = service
        self.content_type = content_type
        self.day = None

    def call(self, target, body):
        body = json.dumps(body).encode()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {
            "content-type": self.content_type,
            "host": self.host,
            "x-amz-date": moment,
            "x-amz-target": target,
        }
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n/\n\n{listed}\n{SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{REGION}/{self.service}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = mac(self.key(moment[:8]), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"
        )
        self.connection.request("POST", "/", body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def key(self, day):
        """The signing key is good for a day."""
        if self.day != day:
            key = mac(f"AWS4{SECRET}".encode(), day)
            for part in (REGION, self.service, "aws4_request"):
                key = mac(key, part)
            self.day, self.signing_key = day, key
        return self.signing_key
