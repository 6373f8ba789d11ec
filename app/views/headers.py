"""What browsers are told about every answer, and the nonce of our own scripts."""

import secrets

from flask import Flask, Response, current_app, g, request

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src {styles}; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAMED = "; frame-src 'self'"
# A page of somebody else's words, in a frame of ours: no script, no form, no link, nothing loaded.
HARMLESS = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
FEATURES = "camera=(), display-capture=(), geolocation=(), microphone=(self), payment=(), usb=()"
OURS = "'self'"
WITH_INLINE = "'self' 'unsafe-inline'"  # Swagger UI writes styles into its elements
SWAGGER = "/swagger/"


def install(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = nonce  # macros see no context processor
    app.after_request(protect)


def nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def frame_own() -> None:
    """The page that is being answered has a frame with another page of ours."""
    g.frames_own = True


def harmless(response: Response) -> Response:
    """For what may hold anybody's markup; shown in a frame of ours and nowhere else."""
    response.headers["Content-Security-Policy"] = HARMLESS
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def protect(response: Response) -> Response:
    headers = response.headers
    styles = WITH_INLINE if request.path.startswith(SWAGGER) else OURS
    policy = POLICY.format(nonce=nonce(), styles=styles)
    policy += FRAMED if g.get("frames_own") else ""
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", FEATURES)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    # Of what is made for somebody no copy stays behind; files say how long they may be kept.
    headers.setdefault("Cache-Control", "private, no-store")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
