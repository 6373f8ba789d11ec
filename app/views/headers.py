"""What browsers are told about every answer, and the nonce of our own scripts."""

import secrets

from flask import Flask, Response, current_app, g, request

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src {styles}; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FEATURES = "camera=(), display-capture=(), geolocation=(), microphone=(self), payment=(), usb=()"
OURS = "'self'"
WITH_INLINE = "'self' 'unsafe-inline'"  # Swagger UI writes styles into its elements
SWAGGER = "/swagger/"


def install(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = nonce  # macros see no context processor
    app.after_request(_protect)


def nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _protect(response: Response) -> Response:
    headers = response.headers
    styles = WITH_INLINE if request.path.startswith(SWAGGER) else OURS
    headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce(), styles=styles))
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
