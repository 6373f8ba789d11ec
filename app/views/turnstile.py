"""The way into the panel and its REST, around the whole application.

So many get past it at once as leave calls their share of threads and connections. Whoever finds it
full, or the database away, is told to come back: in words that were written at the start, since
whatever renders a page asks the database, and Flask-AppBuilder turns what fails into a 500.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from logging import getLogger
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from flask import Flask, json, render_template
from werkzeug.wrappers import Response

from app import database
from app.views import failures, headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Calls, what watches over the process, and files: none of them waits, or needs a connection long.
FREE = ("/twilio/", "/healthz", "/readyz", "/metrics", "/static/", "/look.", "/brand.")
FEWEST = 4  # what one browser asks for side by side
PATIENCE = 5.0  # seconds that somebody waits for those inside
COME_BACK = 5

log = getLogger(__name__)


def install(app: Flask, threads: int, connections: int) -> None:
    """Of which half stay with calls. After everything else that stands around the application."""
    threads = max(FEWEST, threads // 2)
    places = max(1, min(threads, connections // 2))
    app.wsgi_app = Turnstile(app.wsgi_app, _words(app), places, threads)  # type: ignore[method-assign]


def _words(app: Flask) -> tuple[Response, Response]:
    """As a page, and for programs."""
    told = failures.PAGES[503]
    with app.test_request_context():
        page = render_template(
            "frame/failure.html", told=told, code=503, reference="", is_alone=True,
            base_template=app.config["FAB_BASE_TEMPLATE"],
        )  # fmt: skip
        message = json.dumps({"message": f"{told.title}. {told.text}"})
        answers = app.response_class(page), app.response_class(message, mimetype="application/json")
        for answer in answers:
            answer.status_code, answer.headers["Retry-After"] = 503, str(COME_BACK)
            headers.protect(answer)
        return answers


class Turnstile:
    """`places`: how many may be inside at once; `threads`: with those who wait for a place."""

    def __init__(
        self,
        inside: "WSGIApplication",
        words: tuple[Response, Response],
        places: int,
        threads: int,
    ) -> None:
        self._inside = inside
        self._page, self._message = words
        self._places, self._threads = BoundedSemaphore(places), BoundedSemaphore(threads)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(FREE):
            return self._inside(environ, start_response)
        with ExitStack() as held:
            if not self._enters(held):
                return self._come_back("full", environ)(environ, start_response)
            answer = self._answer(environ)
            if answer.content_length is None:  # a file that is still made as it is sent
                _hold_until_sent(answer, held.pop_all())
            return answer(environ, start_response)

    def _enters(self, held: ExitStack) -> bool:
        if not self._threads.acquire(blocking=False):
            return False
        held.callback(self._threads.release)
        if not self._places.acquire(timeout=PATIENCE):
            return False
        held.callback(self._places.release)
        return True

    def _answer(self, environ: "WSGIEnvironment") -> Response:
        with database.noticing() as noticed:
            try:
                answer = Response.from_app(self._inside, environ)
            except Exception:
                if not _missed(noticed):
                    raise
                return self._come_back("database", environ)
        if answer.status_code != 500 or not _missed(noticed):
            return answer
        answer.close()
        return self._come_back("database", environ)

    def _come_back(self, reason: str, environ: "WSGIEnvironment") -> Response:
        log.warning("turned away for now", extra={"path": environ["PATH_INFO"], "reason": reason})
        for_program = environ["PATH_INFO"].startswith(failures.BARE)
        return self._message if for_program else self._page


def _hold_until_sent(answer: Response, held: ExitStack) -> None:
    pieces: Any = answer.response
    held.enter_context(closing(pieces))
    answer.call_on_close(held.close)  # also when nobody asks for it
    answer.response = _sent(pieces, held)


def _sent(pieces: Iterable[bytes], held: ExitStack) -> Iterator[bytes]:
    with held:
        yield from pieces


def _missed(noticed: list[str]) -> bool:
    return any(kind in database.MISSED for kind in noticed)
