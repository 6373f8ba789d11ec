// A ring test is looked at again every few seconds until each telephone has told.
for (const box of document.querySelectorAll("[data-rings]")) {
  const EVERY = 2500;
  const isOver = () => Boolean(box.querySelector("[data-over]").dataset.over);
  const look = async () => {
    try {
      const answer = await fetch(box.dataset.rings, { redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...fresh.body.children);
    } finally {
      if (!isOver()) setTimeout(look, EVERY);
    }
  };
  if (!isOver()) setTimeout(look, EVERY);
}
