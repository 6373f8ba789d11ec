"""Transactions of one call that run side by side take their locks in one order."""

import threading
import time

from sqlalchemy import text

from app import calls, spending
from app.extensions import db
from app.spending import Offer
from app.tenancy import acting_for
from app.voice import callers, facts
from app.voice.callers import Ring
from app.voice.means import Balance
from tests.web.conftest import CALLER, Caller


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
        found = facts.current()
        spending.reserve(tenant_id, found.bounds, [Offer(1)])
        ending = threading.Thread(target=end)
        ending.start()
        waiting = text("select count(*) from pg_locks where not granted")
        while not db.session.scalar(waiting):
            time.sleep(0.02)
        callers.meet(Ring(caller.call_sid, CALLER), found, Balance(tenant_id))
        db.session.commit()
    ending.join()
    assert ended == [None]
