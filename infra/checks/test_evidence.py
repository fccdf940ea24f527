"""A third party's view of the evidence: verified with an independent DSSE library, and its chain computed from the documentation
(shared/lifecycle/src/evidence). The samples are what the door answers; a test of the function api holds them to that.

`python -m unittest discover infra/checks`
"""

import base64
import hashlib
import json
import pathlib
import random
import unittest

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

SAMPLES = pathlib.Path(__file__).parent / "samples"
TYPE = "application/vnd.podio-lifecycle.evidence+json"


def sample(name):
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def public_key(jwk):
    """A JSON Web Key (RFC 8037) as the library wants it."""
    raw = base64.urlsafe_b64decode(jwk["x"] + "=" * (-len(jwk["x"]) % 4))
    return SSlibKey(jwk["kid"], "ed25519", "ed25519", {"public": raw.hex()})


def thumbprint(jwk):
    """RFC 7638."""
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def verified(envelope):
    """The record in an envelope, as the library vouches for it."""
    parsed = Envelope.from_dict(json.loads(json.dumps(envelope)))
    parsed.verify([public_key(jwk) for jwk in sample("keys.json")["keys"]], 1)
    return json.loads(parsed.payload)


class Evidence(unittest.TestCase):
    def test_envelope_verifies_with_an_independent_library(self):
        envelope = sample("evidence.json")
        self.assertEqual(envelope["payloadType"], TYPE)
        record = verified(envelope)
        self.assertEqual((record["v"], record["state"], record["seal"]["number"]), (1, "completed", 2))

    def test_key_is_named_by_its_thumbprint(self):
        for jwk in sample("keys.json")["keys"]:
            self.assertEqual(jwk["kid"], thumbprint(jwk))

    def test_chain_is_the_documented_one(self):
        record = verified(sample("evidence.json"))
        before, calls_before = record["id"], record["id"]
        for n, entry in enumerate(record["chain"]["entries"], 1):
            text = canonical({"n": n, "kind": entry["kind"], "body": entry["body"]})
            before = hashlib.sha256((before + text).encode()).hexdigest()
            self.assertEqual((entry["n"], entry["hash"]), (n, before))
            if entry["kind"] == "call":
                calls_before = hashlib.sha256((calls_before + canonical(entry["body"])).encode()).hexdigest()
            if entry["kind"] == "calls":
                self.assertEqual(entry["body"], {"count": 4, "head": calls_before, "altered": False})
        self.assertEqual(record["chain"]["head"], before)

    def test_changed_payload_does_not_verify(self):
        rng, envelope = random.Random(7), sample("evidence.json")
        payload = base64.b64decode(envelope["payload"])
        for _ in range(200):
            at = rng.randrange(len(payload))
            changed = payload[:at] + bytes([payload[at] ^ 1 << rng.randrange(8)]) + payload[at + 1 :]
            with self.assertRaises(VerificationError):
                verified({**envelope, "payload": base64.b64encode(changed).decode()})


if __name__ == "__main__":
    unittest.main()
