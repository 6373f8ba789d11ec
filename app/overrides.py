"""How Twilio is to treat a webhook that fails: once more, and before the caller is lost.

Unless asked to it retries only failed connections; all tries must end before its 15 seconds. `rc`
is retries, `rp` on what, `rt` and `tt` milliseconds for one try and for all of them:
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from typing import Final

OVERRIDES: Final = "#rc=1&rp=ct,rt,5xx&rt=8500&tt=15000"
