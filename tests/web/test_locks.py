"""Transactions of one call that run side by side take their locks in one order."""

import threading
import time

from sqlalchemy import text

from app import calls, leases, spending
from app.extensions import db
from app.limits import Limits
from app.spending import Offer
from app.tenancy import acting_for
from app.voice import facts
from tests.web.conftest import Caller


def test_a_call_may_end_while_it_is_still_begun(caller: Caller) -> None:
    """What /voice holds (voice/callers.py) and what the call's end holds, each wanted by the other
    if their orders differed."""
    caller.dial()
    tenant_id = caller.business.tenant.id
    ended: list[BaseException | None] = []

    def end() -> None:
        try:
            with caller.app.app_context(), acting_for(tenant_id):
                call = calls.locked(caller.call_sid)
                assert call
                calls.finish_call(call, ended_by="caller", duration=3)
                db.session.commit()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    with caller.app.app_context(), acting_for(tenant_id):
        bounds: Limits = facts.current().bounds
        spending.reserve(tenant_id, bounds, [Offer(1)])
        ending = threading.Thread(target=end)
        ending.start()
        waiting = text("select count(*) from pg_locks where not granted")
        while not db.session.scalar(waiting):
            time.sleep(0.02)
        leases.take(caller.call_sid, "", 60)
        db.session.commit()
    ending.join()
    assert ended == [None]
