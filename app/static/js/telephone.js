// A telephone in the browser. The server plays each turn and answers its lines; what it needs to know
// at the next one (`line`) is kept here, signed by it.
{
  const phone = document.querySelector("[data-telephone]");
  const told = JSON.parse(document.getElementById("telephone-words").textContent);
  const { voice } = window;
  const part = (name) => phone.querySelector(`[data-${name}]`);
  const talk = phone.querySelector(".talk");
  const words = phone.querySelector("#words");
  const keys = phone.querySelector("#keys");
  const number = phone.querySelector("#number");
  const transfer = phone.querySelector("#transfer");
  const csrf = phone.querySelector("[name=csrf_token]");

  let state = {}; // what the last turn said: line, turn, keys, language, records
  let isLive = false;
  let isLeaving = false; // hung up before anybody answered
  let asking = null; // the request that is under way

  const show = (name, on) => (part(name).hidden = !on);
  const status = (text) => (part("status").textContent = text);
  const wrong = (text) => {
    show("wrong", Boolean(text));
    part("wrong").querySelector("p").textContent = text || "";
  };
  const formOf = (fields) => {
    const form = new FormData();
    const all = { csrf_token: csrf.value, transfer: transfer.value, ...fields };
    for (const [name, value] of Object.entries(all)) form.append(name, value);
    return form;
  };

  const ask = async (url, fields) => {
    const mine = (asking = new AbortController());
    phone.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { method: "POST", body: formOf(fields), signal: mine.signal });
      const isOurs = answer.headers.get("Content-Type")?.startsWith("application/json");
      if (!isOurs) return { error: answer.status < 500 ? told.out : told.lost };
      return await answer.json();
    } catch (problem) {
      if (problem.name === "AbortError") return null;
      return { error: told.lost };
    } finally {
      if (asking === mine) {
        asking = null;
        phone.removeAttribute("aria-busy");
      }
    }
  };

  // --- The dialogue -----------------------------------------------------------------------------

  const paper = talk.parentElement;
  const toTheEnd = () => (paper.scrollTop = paper.scrollHeight);
  // A line that is there already (what was typed a moment ago) is replaced, all others are added.
  const place = (html) => {
    const made = document.createElement("template");
    made.innerHTML = html; // escaped by the server's template
    for (const line of [...made.content.children]) {
      const named = line.dataset.line;
      const known = named && talk.querySelector(`[data-line="${named}"]`);
      if (line.classList.contains("caller")) line.setAttribute("aria-live", "off"); // own words
      if (known) known.replaceWith(line);
      else talk.append(line);
    }
    for (const link of talk.querySelectorAll("a")) link.target = "_blank"; // the call goes on here
    toTheEnd();
  };
  const addOwn = (text) => {
    const line = document.createElement("li");
    line.className = "caller";
    line.setAttribute("aria-live", "off");
    line.dataset.line = `caller-${state.turn}`;
    line.dataset.own = "";
    const by = document.createElement("p");
    by.className = "by";
    by.append(Object.assign(document.createElement("b"), { textContent: told.you }));
    line.append(by, Object.assign(document.createElement("p"), { className: "say", textContent: text }));
    talk.append(line);
    return line;
  };
  const think = (on) => {
    talk.querySelector(".thinking")?.remove();
    if (!on) return;
    const dots = document.createElement("li");
    dots.className = "bot thinking";
    dots.setAttribute("aria-hidden", "true");
    dots.title = told.thinking;
    dots.append(...[1, 2, 3].map(() => document.createElement("i")));
    talk.append(dots);
    toTheEnd();
  };

  // --- Turns ------------------------------------------------------------------------------------

  const speaks = () => part("voice").getAttribute("aria-pressed") === "true";
  const hear = (got) => {
    think(false);
    wrong(got.error);
    if (got.html) place(got.html);
    if (speaks()) (got.spoken || []).forEach(voice.speak);
    if (got.line) state = got;
    if (got.over) return end(got);
    if (!got.line) return;
    status(got.records ? told.message : "");
    if (got.holds) act("wait");
  };
  const act = async (name, fields = {}, own = "") => {
    if (!isLive || asking) return false;
    if (name !== "wait") voice.hush(); // a caller may interrupt
    if (name !== "wait" && state.holds) await act("wait"); // it was lost while it thought
    if (!isLive || asking) return false;
    const line = own && addOwn(own);
    think(true);
    const got = await ask(phone.dataset.turn, { line: state.line, act: name, ...fields });
    if (!got) return false;
    if (line && !got.html) line.remove(); // it did not get there: it can be sent again
    hear(got);
    return Boolean(got.html);
  };
  const call = async () => {
    if (isLive || asking) return;
    voice.hush();
    begin();
    const fields = { number: number.value, caller: phone.querySelector("#caller").value };
    const got = await ask(phone.dataset.dial, fields);
    if (!got) return;
    if (!got.html) return notPlaced(got);
    words.focus();
    hear(got);
    if (isLeaving) hangUp();
  };
  const begin = () => {
    talk.replaceChildren();
    wrong("");
    isLive = true;
    isLeaving = false;
    state = {};
    for (const name of ["talking", "live"]) show(name, true);
    for (const name of ["dialling", "call", "after"]) show(name, false);
    part("with").textContent = number.selectedOptions[0].textContent;
    status(told.calling);
    think(true);
  };
  const notPlaced = (got) => {
    isLive = false;
    for (const name of ["talking", "live"]) show(name, false);
    for (const name of ["dialling", "call"]) show(name, true);
    wrong(got.error === told.lost ? told.unplaced : got.error);
    part("call").focus();
  };
  const end = (got) => {
    isLive = false;
    voice.stop();
    think(false);
    status(told.over);
    show("live", false);
    for (const name of ["dialling", "call"]) show(name, true);
    part("call").querySelector("span").textContent = told.again;
    const page = got.call || state.call;
    show("after", Boolean(page));
    if (page) part("open").href = page;
    (page ? part("open") : part("call")).focus({ preventScroll: true });
    for (const link of talk.querySelectorAll("a")) link.removeAttribute("target");
  };
  const hangUp = async () => {
    if (!isLive) return;
    voice.hush();
    const { line } = state;
    if (!line) return (isLeaving = true); // nobody could be told yet
    asking?.abort();
    isLive = false;
    const got = await ask(phone.dataset.turn, { line, act: "hang_up" });
    if (got?.html) hear({ ...got, over: true });
    else end({});
  };
  const say = async () => {
    const text = words.value.trim();
    if (!text || asking) return;
    words.value = "";
    if (!(await act("say", { words: text }, text)) && isLive) words.value = text;
  };
  const press = async (given) => {
    if (!given || asking) return;
    keys.value = "";
    if (!(await act("press", { keys: given }, given)) && isLive) keys.value = given;
  };

  // --- What is pressed --------------------------------------------------------------------------

  part("call").addEventListener("click", call);
  part("hang-up").addEventListener("click", hangUp);
  part("silent").addEventListener("click", () => act("silence"));
  part("dialling").addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
  part("saying").addEventListener("submit", (event) => {
    event.preventDefault();
    say();
  });
  part("pressing").addEventListener("submit", (event) => {
    event.preventDefault();
    press(keys.value.trim());
  });
  part("pressing").addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (!key) return;
    keys.value += key;
    if (state.keys === 1 || key === "#") press(keys.value);
  });

  // --- Voice ------------------------------------------------------------------------------------

  const REMEMBERED = "telephone-voice";
  const remember = (on) => {
    try {
      localStorage.setItem(REMEMBERED, on);
    } catch {
      // a browser that keeps nothing asks again next time
    }
  };
  const remembered = () => {
    try {
      return localStorage.getItem(REMEMBERED) !== "false";
    } catch {
      return true;
    }
  };
  part("voice").setAttribute("aria-pressed", voice.canSpeak && remembered());
  show("voice", voice.canSpeak);
  part("voice").addEventListener("click", () => {
    const on = !speaks();
    part("voice").setAttribute("aria-pressed", on);
    remember(on);
    if (!on) voice.hush();
  });

  const WHY = { "no-speech": "unheard", "not-allowed": "forbidden", aborted: "unheard" };
  show("mic", voice.canListen);
  document.querySelector("[data-mic-hint]").hidden = !voice.canListen;
  part("mic").addEventListener("click", () => {
    if (voice.isListening()) return voice.stop();
    voice.hush();
    wrong("");
    part("mic").setAttribute("aria-pressed", "true");
    status(told.listening);
    voice.listen(state.language, (text) => (words.value = text), (text, why) => {
      part("mic").setAttribute("aria-pressed", "false");
      if (!isLive) return;
      status("");
      if (text) say();
      else wrong(told[WHY[why] || "deaf"]);
    });
  });

  // Who leaves hangs up. What cannot be told any more is closed by the server after ten minutes.
  addEventListener("pagehide", () => {
    if (!isLive || !state.line) return;
    navigator.sendBeacon(phone.dataset.turn, formOf({ line: state.line, act: "hang_up" }));
    end({});
  });
}
