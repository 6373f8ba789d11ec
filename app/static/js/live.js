// Live calls: asked for again every few seconds while somebody looks. Only what has changed is
// touched, so that nothing jumps and the keyboard stays where it is.
for (const box of document.querySelectorAll("[data-live]")) {
  const EVERY = 4000;
  const SLOWEST = 32000;
  const lost = document.querySelector("[data-lost]");
  const began = new WeakMap();
  let wait = EVERY;
  let timer = 0;

  const written = (seconds) =>
    `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const clocks = () => box.querySelectorAll("[data-seconds]");
  const wind = (clock) => began.set(clock, performance.now() - clock.dataset.seconds * 1000);
  const tick = () => {
    for (const clock of clocks()) {
      const text = written((performance.now() - began.get(clock)) / 1000);
      if (clock.textContent !== text) clock.textContent = text;
    }
  };

  const renewCell = (cell, fresh) => {
    const stays = cell.querySelector("[data-seconds], form"); // ticks by itself; is being pressed
    if (stays || cell.isEqualNode(fresh) || cell.contains(document.activeElement)) return;
    cell.replaceWith(fresh);
  };
  const rows = (body) => new Map([...body.rows].map((row) => [row.dataset.call, row]));
  const renewRows = (fresh) => {
    const body = box.querySelector("tbody");
    const known = rows(body);
    const found = rows(fresh.querySelector("tbody"));
    for (const [id, row] of known) {
      if (found.has(id)) continue;
      if (row.contains(document.activeElement)) box.querySelector("[data-said]").focus();
      row.remove();
    }
    for (const [id, row] of found) {
      if (!known.has(id)) body.append(row);
      else [...row.cells].forEach((cell, at) => renewCell(known.get(id).cells[at], cell));
    }
    clocks().forEach((clock) => began.has(clock) || wind(clock));
  };
  const renew = (fresh) => {
    const said = fresh.querySelector("[data-said]").textContent;
    const head = box.querySelector("[data-said]");
    if (head.textContent !== said) head.textContent = said;
    renewRows(fresh);
    for (const name of ["[data-some]", "[data-none]"])
      box.querySelector(name).hidden = fresh.querySelector(name).hidden;
  };

  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.live, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      // A question that is open is about what it was asked of.
      if (!document.querySelector("dialog[open]")) renew(fresh);
      lost.hidden = true;
      wait = EVERY;
    } catch {
      lost.hidden = false;
      wait = Math.min(2 * wait, SLOWEST);
    }
  };
  const goOn = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    timer = setTimeout(async () => {
      await ask();
      goOn();
    }, wait);
  };
  document.addEventListener("visibilitychange", async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    await ask();
    goOn();
  });
  clocks().forEach(wind);
  setInterval(tick, 1000);
  goOn();
}
