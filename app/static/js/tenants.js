// The tenant switcher: what is typed narrows the list, and the server answers, for there are hundreds.
for (const input of document.querySelectorAll("[data-find-url]")) {
  const list = document.getElementById(input.getAttribute("aria-controls"));
  let latest = 0;
  const find = async () => {
    const asked = ++latest;
    const answer = await fetch(`${input.dataset.findUrl}?q=${encodeURIComponent(input.value)}`);
    const found = answer.ok ? await answer.text() : "";
    if (asked === latest) list.innerHTML = found; // escaped by the server's template
  };
  input.addEventListener("input", () => find().catch(() => {}));
  input.addEventListener("focus", () => list.children.length || find().catch(() => {}));
}
