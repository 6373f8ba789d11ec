"""Signs a request the way Twilio does (X-Twilio-Signature, HMAC-SHA1).

Our own signer and not the vendor's validator turned round: the telephone then proves the gate.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence


def sign(url: str, form: Mapping[str, str | Sequence[str]], auth_token: str) -> str:
    """The header's value for a form POST; for a GET the form is empty, as the query is signed with
    the URL. A fragment is never sent, so it is not signed; a name given several times counts each
    distinct value once."""
    signed = url.partition("#")[0]
    for name in sorted(form):
        signed += "".join(name + value for value in sorted(_distinct(form[name])))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _distinct(values: str | Sequence[str]) -> set[str]:
    return {values} if isinstance(values, str) else set(values)
