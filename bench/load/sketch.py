"""The floors: what the same server does with next to nothing to do.

`python -m bench.load.sketch` with the settings of `run.py web` and MODEL_URL in its environment
serves two turns: `/bare` returns TwiML; `/turn` looks one row up, asks the model, keeps one row,
as plainly as Flask and SQLAlchemy allow. No signature, no state, no second tenant.
"""

import os

from flask import Flask, Response, request
from openai import OpenAI
from sqlalchemy import create_engine, text
from twilio.twiml.voice_response import Gather, VoiceResponse

from app.cli.web import Server
from config import Settings

SYSTEM = "You answer the telephone of Bench Plumbing. Parking is free in the yard behind the shop."
TABLES = """
    create table if not exists sketch_call (sid text primary key, said int not null default 0);
    create table if not exists sketch_turn (
        id bigserial primary key, sid text not null, words text not null, answer text not null);
"""


def sketched(settings: Settings) -> Flask:
    app = Flask(__name__)
    url = str(settings.database_url).replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = create_engine(url, pool_size=settings.db_pool_size, max_overflow=8)
    with engine.begin() as connection:
        connection.execute(text(TABLES))
    client = OpenAI(api_key="none", base_url=os.environ["MODEL_URL"], max_retries=0, timeout=6)
    looked_up = text("select said from sketch_call where sid = :sid")
    kept = text("insert into sketch_turn (sid, words, answer) values (:sid, :words, :answer)")

    @app.post("/bare")
    def bare() -> Response:
        return twiml("Parking is free in the yard behind the shop.")

    @app.post("/turn")
    def turn() -> Response:
        sid, words = request.form["CallSid"], request.form.get("SpeechResult", "")
        with engine.connect() as connection:
            connection.execute(looked_up, {"sid": sid}).first()
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": words}]
        reply = client.chat.completions.create(model="load", messages=messages)  # type: ignore[arg-type]
        answer = reply.choices[0].message.content or ""
        with engine.begin() as connection:
            connection.execute(kept, {"sid": sid, "words": words, "answer": answer})
        return twiml(answer)

    return app


def twiml(words: str) -> Response:
    document = VoiceResponse()
    gather = Gather(input="speech dtmf", action="/turn", method="POST")
    gather.say(words)
    document.append(gather)
    return Response(str(document), mimetype="text/xml")


class Sketch(Server):
    def load(self) -> Flask:
        return sketched(self.settings)


if __name__ == "__main__":
    Sketch(Settings.load()).run()
